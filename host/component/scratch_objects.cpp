#include "component/scratch_objects.h"

#include "base/text.h"
#include "component/mariadb_load.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

namespace {

constexpr auto nowhere = std::string_view::npos;

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

bool belongs_to_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

// Spaces, comments and the ends of comments that run: all that may stand between a name and its dot.
std::size_t behind_gaps(std::string_view sql, std::size_t at) {
    constexpr std::string_view spaces = " \t\r\n\f\v";
    while (at < sql.size()) {
        auto end = nowhere;
        if (spaces.find(sql[at]) != nowhere)
            end = at;
        else if (sql.substr(at, 2) == "*/")
            end = at + 1;
        else if (sql.substr(at, 3) == "/*!" || sql.substr(at, 4) == "/*m!")
            end = sql.find_first_not_of("/*m!0123456789", at) - 1;
        else if (sql.substr(at, 2) == "/*")
            end = sql.find("*/", at + 2) == nowhere ? nowhere : sql.find("*/", at + 2) + 1;
        else if (sql[at] == '#' || sql.substr(at, 2) == "--")
            end = sql.find('\n', at);
        else
            return at;
        if (end >= sql.size())
            return sql.size();
        at = end + 1;
    }
    return at;
}

bool names_it(std::string_view sql, std::string_view name) {
    for (auto at = sql.find(name); at != nowhere; at = sql.find(name, at + 1)) {
        auto end = at + name.size();
        const bool quoted = end < sql.size() && (sql[end] == '`' || sql[end] == '"');
        const bool longer = (at > 0 && belongs_to_name(sql[at - 1]) && belongs_to_name(name.front())) ||
                            (!quoted && end < sql.size() && belongs_to_name(sql[end]));
        end = behind_gaps(sql, end + (quoted ? 1 : 0));
        if (!longer && end < sql.size() && sql[end] == '.')
            return true;
    }
    return false;
}

// As the login that asks, whoever made it. What follows the first of these words may be a text.
std::string as_invoker(const std::string& create) {
    constexpr std::string_view definer = " SQL SECURITY DEFINER VIEW ",
                               invoker = " SQL SECURITY INVOKER VIEW ";
    auto made = without_definer(create);
    const auto at = made.find(definer);
    if (at != std::string::npos && at < made.find(invoker))
        made.replace(at, definer.size(), invoker);
    return made;
}

} // namespace

bool names_database(std::string_view sql, std::string_view database) {
    if (database.empty())
        return false;
    const auto text = in_lower_case(sql), name = in_lower_case(database);
    const auto quoted = in_lower_case(database::MariadbTables::quoted(database));
    return names_it(text, name) ||
           names_it(text, std::string_view(quoted).substr(1, quoted.size() - 2));
}

ServerSchema harmless_objects(const ServerSchema& schema, const std::vector<std::string>& databases,
                              Notes& notes) {
    ServerSchema harmless = schema;
    harmless.objects.clear();
    std::vector<std::string> never;
    for (const auto& object : schema.objects) {
        const auto subject = fmt::format("{} {}", object.kind, printable(object.name));
        const auto named = std::ranges::find_if(
            databases, [&](const auto& one) { return names_database(object.create, one); });
        if (named != databases.end())
            notes.add(fmt::format("{} names the database {}: it is not in the copy", subject,
                                  printable(*named)));
        else if (object.kind == "view" || object.kind == "function") {
            harmless.objects.push_back(object);
            harmless.objects.back().create = as_invoker(object.create);
        } else if (object.kind != "sequence")
            never.push_back(subject);
    }
    if (!never.empty())
        notes.add("not made in a copy: " + join(never, ", "));
    return harmless;
}

} // namespace respawn::component
