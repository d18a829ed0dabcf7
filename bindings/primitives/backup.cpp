#include "run/backup.h"
#include "run/game.h"
#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Value described(const vault::Snapshot& snapshot) {
    return Value::Map{ { "id", snapshot.id },
                       { "time", to_rfc3339({ snapshot.started }, true) },
                       { "stored_bytes", static_cast<std::int64_t>(snapshot.stored_bytes) } };
}

Result<Value> take(const run::Call& call) {
    const Cancellation never;
    const run::BackupRequest wanted{ .plan = {},
                                     .type = "emergency",
                                     .components = { call.text("component") },
                                     .note = call.text("note"),
                                     .call = call.name().key() };
    const auto snapshot = TRY(run::back_up(call.game(), wanted, never, {}));
    // A location that is down does not stop a repair: `status` says what it lacks.
    (void)TRY(call.game().places())->copy_to_others(never);
    if (!snapshot.good())
        return Error{ .kind = Kind::failed_check,
                      .why = "the backup before the repair is not whole: " +
                             snapshot.components.front().error };
    return described(snapshot);
}

// A rehearsal's copy is as it was in the backup that it was made from: that one stands for the new one.
Result<Value> what_the_copy_is_of(const run::Call& call) {
    return described(TRY(call.game().staged_from(call.text("component"))));
}

// The snapshot carries the call's name.
Result<run::Settled> was_taken(const run::Call& call) {
    for (const auto& snapshot : TRY(TRY(call.game().vault_or_new())->snapshots()))
        if (snapshot.report.text_at("call") == call.name().key())
            return run::Settled{ .answer = run::Settled::Answer::happened,
                                 .result = described(snapshot),
                                 .why = {} };
    return run::Settled{ .answer = run::Settled::Answer::did_not, .result = {}, .why = {} };
}

} // namespace

extern const run::Primitive backup = {
    .name = "backup",
    .summary = "Takes a snapshot of a component as it is now, into the vault.",
    .effect = run::Effect::changes,
    .capability = run::Capability::vault_write,
    .policy = journal::Policy::probe,
    .params = {
        { .name = "component", .type = run::Type::component, .doc = "which; may be left out when there is only one database", .optional = true },
        { .name = "note", .type = run::Type::text, .doc = "what it is for, as `respawn list` shows it", .fallback = "" },
    },
    .returns = "a snapshot: { id, time, stored_bytes }",
    .would = "save {component} into the vault as it is now",
    .example = R"(case.saved = respawn.backup { note = "before ending duel 7" })",
    .run = take,
    .recorded = what_the_copy_is_of,
    .probe = was_taken,
};

} // namespace respawn::primitives
