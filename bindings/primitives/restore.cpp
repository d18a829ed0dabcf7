#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<run::Restoration> wanted(const run::Call& call) {
    const auto& snapshot = call["snapshot"];
    return run::Restoration{ .component = call.text("component"),
                             .snapshot = snapshot.text() ? *snapshot.text() : snapshot.text_at("id"),
                             .allow_violations = call.text("allow_violations") };
}

} // namespace

extern const run::Primitive restore = {
    .name = "restore",
    .summary = "Puts a component back from a snapshot: restored to a new place, verified, then switched in. What was live is kept aside.",
    .effect = run::Effect::restores,
    .capability = run::Capability::vault_read,
    .policy = journal::Policy::probe, // is the live data the snapshot's?
    .params = {
        { .name = "snapshot", .type = run::Type::snapshot, .doc = "an id, or what respawn.snapshot or respawn.backup gave" },
        { .name = "component", .type = run::Type::component, .doc = "which; may be left out when there is only one database", .optional = true },
        { .name = "allow_violations", .type = run::Type::text, .doc = "why rows that break rules of the configuration may come back; without it they stop the restore", .optional = true },
    },
    .returns = "{ bytes, snapshot }",
    .would = "put {component} back from snapshot {snapshot}, keeping the present data aside",
    .example = R"(respawn.restore { snapshot = case.saved })",
    .restore = wanted,
};

} // namespace respawn::primitives
