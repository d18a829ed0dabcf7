#include "run/game.h"
#include "run/primitive.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<Value> look_up_snapshot(const run::Call& call) {
    auto* vault = TRY(call.game().vault());
    const auto component = call.text("component");
    const auto snapshot =
        TRY(vault::find_snapshot(TRY(vault->snapshots()), call.text("name"), { component }, now()));
    const auto* record = snapshot.component(component);
    if (!record)
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("snapshot {} holds no component {}", snapshot.id, component) };
    return Value(Value::Map{ { "id", snapshot.id },
                             { "time", to_rfc3339({ snapshot.started }, true) },
                             { "taken_at", snapshot.started / 1'000'000 },
                             { "plan", snapshot.plan },
                             { "bytes", static_cast<std::int64_t>(record->size_bytes) },
                             { "tables", record->detail.at("tables") } });
}

} // namespace

extern const run::Primitive snapshot = {
    .name = "snapshot",
    .summary = "Looks a snapshot up in the vault.",
    .effect = run::Effect::reads,
    .capability = run::Capability::vault_read,
    .params = {
        { .name = "name", .type = run::Type::text, .doc = "an id, a prefix of one, \"latest\", \"latest:PLAN\" or \"@TIME\"", .fallback = "latest" },
        { .name = "component", .type = run::Type::component, .doc = "what it must hold; may be left out when there is only one database", .optional = true },
    },
    .returns = "{ id, time, taken_at = seconds since 1970, plan, bytes, tables = { NAME = { rows } } }",
    .example = R"(case.saved = respawn.snapshot { name = "latest" })",
    .run = look_up_snapshot,
};

} // namespace respawn::primitives
