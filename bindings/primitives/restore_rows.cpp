#include "run/targeted_restore.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<database::Write> rows_as_they_were(const run::Call& call) {
    const auto found =
        TRY(run::find_rows(call, call.text("component"), call.text("table"),
                           TRY(run::read_keys(call.text("keys"))), call.text("snapshot")));
    database::Write write{ .changes = run::changes_of(found), .why = call.text("why") };
    if (write.changes.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("no row differs from snapshot {}", found.snapshot),
                      .fix = "ask respawn.compare_rows first" };
    return write;
}

} // namespace

extern const run::Primitive restore_rows = {
    .name = "restore_rows",
    .summary = "Brings single rows of a table back as they were in a snapshot, all in one transaction. Rows that are not in the snapshot are left alone, like columns that the table has got since.",
    .effect = run::Effect::writes_rows,
    .capability = run::Capability::sql_write,
    .policy = journal::Policy::probe, // the marker in the database tells
    .params = {
        { .name = "table", .type = run::Type::text, .doc = "its name" },
        { .name = "keys", .type = run::Type::text, .doc = "which rows, as for respawn.compare_rows" },
        { .name = "snapshot", .type = run::Type::text, .doc = "its id" },
        { .name = "why", .type = run::Type::text, .doc = "a short sentence for the journal and the marker" },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "{ rows = how many rows changed, triggers and cascades included }",
    .would = "bring rows of {table} in {component} back from snapshot {snapshot}",
    .example = R"(respawn.restore_rows { table = "players", keys = "id=42", snapshot = case.found.id, why = "player 42 was overwritten" })",
    .write = rows_as_they_were,
};

} // namespace respawn::primitives
