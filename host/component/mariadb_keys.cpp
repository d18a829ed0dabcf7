#include "component/mariadb_keys.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr std::string_view plain_key = "  KEY `", unique_key = "  UNIQUE KEY `";

// The quoted name at the beginning of the text, without its quotes.
std::string name_in(std::string_view text) {
    std::string name;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '`' && (i + 1 == text.size() || text[i + 1] != '`'))
            return name;
        i += text[i] == '`';
        name += text[i];
    }
    return {};
}

bool stands_on_keys(std::string_view line) {
    return line.starts_with("  CONSTRAINT") || line.starts_with("  FULLTEXT KEY") ||
           line.starts_with("  SPATIAL KEY") || line.find(" AUTO_INCREMENT") != line.npos;
}

// A counter on the primary key's first column needs no other key.
bool counts_by_primary(const ServerTable& table, std::string_view line) {
    return !table.key.empty() && line.find(" AUTO_INCREMENT") != line.npos &&
           line.starts_with("  " + MariadbTables::quoted(table.columns[table.key[0]].name) + " ") &&
           table.create.find("\n  PRIMARY KEY (") != std::string::npos;
}

std::string alter(const std::string& table, std::string_view what,
                  const std::vector<std::string>& all) {
    std::vector<std::string> terms;
    for (const auto& one : all)
        terms.push_back(fmt::format("{} {}", what, one));
    return fmt::format("alter table {} {}", MariadbTables::quoted(table), join(terms, ", "));
}

} // namespace

LaterKeys later_keys(const ServerTable& table) {
    LaterKeys keys;
    for (auto line : split(table.create, '\n')) {
        if (stands_on_keys(line) && !counts_by_primary(table, line))
            return {};
        if (!line.starts_with(plain_key) && !line.starts_with(unique_key))
            continue;
        if (line.ends_with(','))
            line.remove_suffix(1);
        const auto name = name_in(line.substr(line.find('`')));
        if (name.empty() || name.find('\n') != name.npos)
            return {};
        keys.names.push_back(name);
        keys.definitions.emplace_back(line.substr(2));
    }
    return keys;
}

std::string LaterKeys::drop(const std::string& table) const {
    std::vector<std::string> quoted;
    for (const auto& name : names)
        quoted.push_back(MariadbTables::quoted(name));
    return alter(table, "drop key", quoted);
}

std::string LaterKeys::add(const std::string& table) const { return alter(table, "add", definitions); }

} // namespace respawn::component
