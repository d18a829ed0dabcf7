#include "run/game.h"
#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> look_up_nonce(const run::Call& call) {
    auto* chain = TRY(call.game().chain(call.text("chain")));
    return Value(TRY(chain->nonce_at_depth(call.text("address"), chain->settings().confirmations)));
}

} // namespace

extern const run::Primitive chain_nonce = {
    .name = "chain_nonce",
    .summary = "How many transactions of an address stand in blocks that are deep enough: every nonce below it is spent.",
    .effect = run::Effect::reads,
    .capability = run::Capability::chain,
    .params = {
        { .name = "address", .type = run::Type::text, .doc = "the sender" },
        { .name = "chain", .type = run::Type::chain, .doc = "a chain of the configuration", .fallback = "base" },
    },
    .returns = "an integer",
    .example = R"(local spent = respawn.chain_nonce { address = sender } > request.nonce)",
    .run = look_up_nonce,
};

} // namespace respawn::primitives
