#include "run/table_restore.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<database::Write> tables_as_they_were(const run::Call& call) {
    const auto found =
        TRY(run::find_tables(call, call.text("component"), TRY(run::named_tables(call.list("tables"))),
                             call.text("snapshot")));
    database::Write write{ .changes = run::changes_of(found), .why = call.text("why") };
    if (write.changes.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("no row differs from snapshot {}", found.snapshot),
                      .fix = "ask respawn.compare_tables first" };
    return write;
}

} // namespace

extern const run::Primitive restore_tables = {
    .name = "restore_tables",
    .summary = "Makes all rows of tables those of a snapshot, in one transaction: rows that are gone come back, changed ones become what they were, and rows that were added since are removed. Columns that a table has got since are left alone.",
    .effect = run::Effect::writes_rows,
    .capability = run::Capability::sql_write,
    .policy = journal::Policy::probe, // the marker in the database tells
    .params = {
        { .name = "tables", .type = run::Type::list, .doc = "their names; those that refer to each other together" },
        { .name = "snapshot", .type = run::Type::text, .doc = "its id" },
        { .name = "why", .type = run::Type::text, .doc = "a short sentence for the journal and the marker" },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "{ rows = how many rows changed, triggers and cascades included }",
    .would = "make the rows of {tables} in {component} those of snapshot {snapshot}",
    .example = R"(respawn.restore_tables { tables = { "players", "friends" }, snapshot = case.found.id, why = "a patch went wrong" })",
    .write = tables_as_they_were,
};

} // namespace respawn::primitives
