#include "database/postgres_lacks.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

// Tables of the schema for which the condition holds, the first few by name.
Result<std::string> some_tables(Session& session, std::string_view condition) {
    std::vector<std::string> names;
    for (const auto& row :
         TRY(session.rows(fmt::format("select c.relname::text as name from pg_catalog.pg_class c join "
                                      "pg_catalog.pg_namespace n on "
                                      "n.oid = c.relnamespace where n.nspname = current_schema() and "
                                      "c.relkind in ('r', 'p') and "
                                      "c.relname not like 'respawn\\_%' and ({}) order by 1 limit 4",
                                      condition))))
        names.push_back(printable(*row.at("name").text()));
    return join(names, ", ");
}

} // namespace

Result<std::vector<Lack>> find_postgres_writer_lacks(Session& session, const Login& login) {
    std::vector<Lack> lacks;
    const auto may_not = TRY(some_tables(
        session,
        "not (has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT') and "
        "has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE'))"));
    const auto user = session.quoted(login.user);
    if (!may_not.empty())
        lacks.push_back(
            { fmt::format("{} may not read and write {}", login.text(), may_not),
              fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
                          user) });
    if (TRY(session.value(
            "select coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)")) !=
            Value(true) &&
        !TRY(session.has_table("respawn_incarnation")))
        lacks.push_back({ fmt::format("{} may not make respawn's own tables", login.text()),
                          fmt::format("GRANT CREATE ON SCHEMA public TO {}", user) });
    if (TRY(session.value("select pg_is_in_recovery()")) == Value(true))
        lacks.push_back({ fmt::format("the server of {} is read only", login.text()),
                          "it is a replica: use the server that takes writes" });
    if (TRY(session.value("show track_counts")) != Value("on"))
        lacks.push_back({ "the server counts no changes, so what triggers do would not be shown",
                          "set track_counts = on in postgresql.conf" });
    return lacks;
}

Result<std::vector<Lack>> find_postgres_reader_lacks(Session& session, const Login& login) {
    std::vector<Lack> lacks;
    const auto user = session.quoted(login.user);
    const auto may = TRY(some_tables(
        session, "has_table_privilege(c.oid, 'INSERT') or has_table_privilege(c.oid, 'UPDATE') or "
                 "has_table_privilege(c.oid, 'DELETE') or has_table_privilege(c.oid, 'TRUNCATE')"));
    if (!may.empty())
        lacks.push_back(
            { fmt::format("the reading login {} may do more than read: {}", login.text(), may),
              fmt::format("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {0}; GRANT SELECT ON ALL "
                          "TABLES IN SCHEMA public TO {0}",
                          user) });
    return lacks;
}

} // namespace respawn::database
