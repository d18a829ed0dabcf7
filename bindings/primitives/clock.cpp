#include "run/game.h"
#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> seconds(const run::Call& call) {
    return Value(call.game().present().microseconds / 1'000'000);
}

} // namespace

extern const run::Primitive clock = {
    .name = "now",
    .summary = "The host's clock. A value to compute with; to write the moment of a write itself, use "
               "respawn.at_write_time.",
    .positional = true,
    .returns = "seconds since 1970, UTC, as an integer",
    .example = R"(local idle_minutes = (respawn.now() - duel.last_move_at) // 60)",
    .run = seconds,
};

} // namespace respawn::primitives
