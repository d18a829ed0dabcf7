#include "run/targeted_restore.h"
#include "run/undo.h"

namespace respawn::primitives {

namespace {

Value row_value(const run::UndoableRow& row) {
    static constexpr std::string_view states[] = { "ready", "undone", "moved" };
    return Value::Map{ { "row", run::row_name(row.change.table, row.change.key) },
                       { "state", states[static_cast<std::size_t>(row.state)] },
                       { "problem", row.problem } };
}

Result<Value> changes(const run::Call& call) {
    Value::List databases;
    for (const auto& component : TRY(run::databases_of_run(call, call.text("run")))) {
        const auto found = TRY(run::find_undoable(call, call.text("run"), component));
        Value::List rows;
        std::int64_t ready = 0, moved = 0;
        for (const auto& row : found.rows) {
            ready += row.state == run::UndoableRow::State::ready ? 1 : 0;
            moved += row.state == run::UndoableRow::State::moved ? 1 : 0;
            rows.push_back(row_value(row));
        }
        databases.push_back(Value::Map{ { "component", component },
                                        { "run", found.run },
                                        { "runbook", found.runbook },
                                        { "rows", std::move(rows) },
                                        { "ready", ready },
                                        { "moved", moved } });
    }
    return Value(std::move(databases));
}

} // namespace

extern const run::Primitive changes_of_run = {
    .name = "changes_of_run",
    .summary = "Looks at the rows that a run changed by its own words, and whether they are still as it left them.",
    .effect = run::Effect::reads,
    .capability = run::Capability::sql_read,
    .params = {
        { .name = "run", .type = run::Type::text, .doc = "its id, or the beginning of it" },
    },
    .returns = "a list of databases: { component, run = its whole id, runbook, rows = { { row = \"players[42]\", state = \"ready\", \"undone\" (is as it was before) or \"moved\", problem } }, ready = how many, moved = how many }",
    .example = R"(case.changed = respawn.changes_of_run { run = case.run })",
    .run = changes,
};

} // namespace respawn::primitives
