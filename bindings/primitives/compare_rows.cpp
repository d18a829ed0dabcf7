#include "run/targeted_restore.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

using State = run::RowThenAndNow::State;

Value row_value(const run::TargetedRestore& found, const run::RowThenAndNow& row) {
    return Value::Map{ { "row",
                         run::row_name(found.shape.name, row.key.empty() ? row.asked : row.key) },
                       { "state", run::name_of(row.state) },
                       { "problem", row.problem } };
}

Result<Value> compare(const run::Call& call) {
    const auto found =
        TRY(run::find_rows(call, call.text("component"), call.text("table"),
                           TRY(run::read_keys(call.text("keys"))), call.text("snapshot")));
    Value::List rows;
    std::int64_t differ = 0, unclear = 0;
    for (const auto& row : found.rows) {
        differ += row.state == State::differs || row.state == State::gone ? 1 : 0;
        unclear += row.state == State::unclear ? 1 : 0;
        rows.push_back(row_value(found, row));
    }
    return Value(Value::Map{ { "id", found.snapshot },
                             { "time", to_rfc3339(found.taken, true) },
                             { "rows", std::move(rows) },
                             { "differ", differ },
                             { "unclear", unclear } });
}

} // namespace

extern const run::Primitive compare_rows = {
    .name = "compare_rows",
    .summary = "Looks at single rows of a table in a snapshot, where it lies in the vault, and at the live ones.",
    .effect = run::Effect::reads,
    .capability = run::Capability::vault_read,
    .params = {
        { .name = "table", .type = run::Type::text, .doc = "its name" },
        { .name = "keys", .type = run::Type::text, .doc = "which rows, a line each: COLUMN=VALUE, several with a comma between them, or a JSON object" },
        { .name = "snapshot", .type = run::Type::text, .doc = "an id, a prefix of one, \"latest\", \"latest:PLAN\" or \"@TIME\"", .fallback = "latest" },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "{ id, time, rows = { { row = \"players[42]\", state = \"same\", \"differs\", \"gone\" (not live any more) or \"unclear\", problem } }, differ = how many are not as they were, unclear = how many cannot be told }",
    .example = R"(case.found = respawn.compare_rows { table = "players", keys = "id=42", snapshot = "@yesterday" })",
    .run = compare,
};

} // namespace respawn::primitives
