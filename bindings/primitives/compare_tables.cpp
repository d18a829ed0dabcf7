#include "run/table_restore.h"

namespace respawn::primitives {

namespace {

Value counts_of(const run::TableToRestore& table) {
    const auto count = [&](bool was, bool is) {
        return static_cast<std::int64_t>(table.count(was, is));
    };
    return Value::Map{ { "table", table.shape.name },
                       { "added", count(false, true) },
                       { "removed", count(true, false) },
                       { "changed", count(true, true) } };
}

Result<Value> compare_whole(const run::Call& call) {
    const auto found =
        TRY(run::find_tables(call, call.text("component"), TRY(run::named_tables(call.list("tables"))),
                             call.text("snapshot")));
    Value::List tables;
    std::int64_t differ = 0;
    for (const auto& table : found.tables) {
        differ += static_cast<std::int64_t>(table.rows.size());
        tables.push_back(counts_of(table));
    }
    return Value(Value::Map{ { "id", found.snapshot },
                             { "time", to_rfc3339(found.taken, true) },
                             { "tables", std::move(tables) },
                             { "differ", differ } });
}

} // namespace

extern const run::Primitive compare_tables = {
    .name = "compare_tables",
    .summary = "Compares whole tables of a snapshot, where they lie in the vault, with the live ones, row by row. More rows than respawn.restore_tables brings back at once are an error.",
    .effect = run::Effect::reads,
    .capability = run::Capability::vault_read,
    .params = {
        { .name = "tables", .type = run::Type::list, .doc = "their names" },
        { .name = "snapshot", .type = run::Type::text, .doc = "an id, a prefix of one, \"latest\", \"latest:PLAN\" or \"@TIME\"", .fallback = "latest" },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "{ id, time, tables = { { table, added = how many rows there are since, removed = are gone since, changed = are other ones } }, differ = how many rows in all }",
    .example = R"(case.found = respawn.compare_tables { tables = { "players", "friends" }, snapshot = "@yesterday" })",
    .run = compare_whole,
};

} // namespace respawn::primitives
