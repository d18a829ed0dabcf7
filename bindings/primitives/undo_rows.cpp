#include "run/undo.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<database::Write> rows_before(const run::Call& call) {
    const auto found = TRY(run::find_undoable(call, call.text("run"), call.text("component")));
    database::Write write{ .changes = run::changes_of(found), .why = call.text("why") };
    if (write.changes.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("no row is as run {} left it", found.run),
                      .fix = "ask respawn.changes_of_run first" };
    return write;
}

} // namespace

extern const run::Primitive undo_rows = {
    .name = "undo_rows",
    .summary = "Takes back what a run changed in one database, in one transaction: rows that are still as it left them become what they were before it. Rows that have moved since are left alone.",
    .effect = run::Effect::writes_rows,
    .capability = run::Capability::sql_write,
    .policy = journal::Policy::probe, // the marker in the database tells
    .params = {
        { .name = "run", .type = run::Type::text, .doc = "its id" },
        { .name = "why", .type = run::Type::text, .doc = "a short sentence for the journal and the marker" },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "{ rows = how many rows changed, triggers and cascades included }",
    .would = "take back in {component} what run {run} changed",
    .example = R"(respawn.undo_rows { run = case.run, why = "the wrong player was refunded" })",
    .write = rows_before,
};

} // namespace respawn::primitives
