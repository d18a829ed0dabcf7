#include "database/mariadb_lacks.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace respawn::database {

namespace {

// What the login may in the whole database, by the server's own grants or the database's.
Result<std::set<std::string>> rights(Session& session) {
    std::set<std::string> all;
    for (const auto* table : { "user_privileges", "schema_privileges" })
        for (const auto& row : TRY(session.rows(fmt::format(
                 "select privilege_type as name from information_schema.{} where grantee = "
                 "concat('''', "
                 "substring_index(current_user(), '@', 1), '''@''', substring_index(current_user(), "
                 "'@', "
                 "-1), ''''){}",
                 table,
                 std::string_view(table) == "schema_privileges" ? " and database() like table_schema"
                                                                : ""))))
            if (const auto* name = row.at("name").text())
                all.insert(*name);
    return all;
}

Result<std::string> login_name(Session& session) {
    const auto name =
        TRY(session.value("select concat('''', replace(current_user(), '@', '''@'''), '''')"));
    return name.text() ? *name.text() : std::string("the login");
}

} // namespace

Result<std::vector<Lack>> find_writer_lacks(Session& session, const Login& login) {
    constexpr std::string_view needed[] = { "SELECT",     "INSERT",      "UPDATE",
                                            "DELETE",     "CREATE",      "TRIGGER",
                                            "REFERENCES", "LOCK TABLES", "SHOW VIEW" };
    const auto have = TRY(rights(session));
    std::vector<std::string> missing;
    for (const auto right : needed)
        if (right != "REFERENCES" && !have.contains(std::string(right)))
            missing.emplace_back(right);
    std::vector<Lack> lacks;
    if (!missing.empty())
        lacks.push_back(
            { fmt::format("{} may not {} in all of the database", login.text(), join(missing, ", ")),
              fmt::format("GRANT {} ON {}.* TO {}", join(missing, ", "), session.quoted(login.database),
                          TRY(login_name(session))) });
    if (TRY(session.value("select @@global.read_only")) == Value(1))
        lacks.push_back({ fmt::format("the server of {} is read only", login.text()),
                          "it is a replica or was set read only: use the server that takes writes" });
    return lacks;
}

Result<std::vector<Lack>> find_reader_lacks(Session& session, const Login& login) {
    constexpr std::string_view harmless[] = {
        "USAGE",          "SELECT",  "SHOW VIEW",          "PROCESS",
        "SHOW DATABASES", "TRIGGER", "REPLICATION CLIENT", "BINLOG MONITOR"
    };
    std::vector<std::string> harmful;
    for (const auto& right : TRY(rights(session)))
        if (std::ranges::find(harmless, right) == std::end(harmless))
            harmful.push_back(right);
    std::vector<Lack> lacks;
    if (harmful.empty())
        return lacks;
    if (harmful.size() > 4)
        harmful.resize(4);
    lacks.push_back({ fmt::format("the reading login {} may do more than read: {} …", login.text(),
                                  join(harmful, ", ")),
                      fmt::format("REVOKE all that from {}; GRANT SELECT, SHOW VIEW ON {}.* TO it",
                                  TRY(login_name(session)), session.quoted(login.database)) });
    return lacks;
}

} // namespace respawn::database
