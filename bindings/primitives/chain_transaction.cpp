#include "run/game.h"
#include "run/primitive.h"

namespace respawn::primitives {

namespace {

std::string_view name_of(chain::TransactionState state) {
    switch (state) {
    case chain::TransactionState::pending:
        return "pending";
    case chain::TransactionState::mined:
        return "mined";
    default:
        return "not_found";
    }
}

Result<Value> look_up_transaction(const run::Call& call) {
    auto* chain = TRY(call.game().chain(call.text("chain")));
    const auto found = TRY(chain->transaction(call.text("hash")));
    Value::Map facts{ { "state", name_of(found.state) } };
    if (found.state == chain::TransactionState::not_found)
        return Value(std::move(facts));
    facts.insert({ { "from", found.from }, { "to", found.to }, { "nonce", found.nonce } });
    if (found.state == chain::TransactionState::mined)
        facts.insert({ { "block", found.block },
                       { "depth", found.depth },
                       { "succeeded", found.succeeded },
                       { "deep_enough", found.depth >= chain->settings().confirmations } });
    return Value(std::move(facts));
}

} // namespace

extern const run::Primitive chain_transaction = {
    .name = "chain_transaction",
    .summary = "What the chain knows of a transaction. Every endpoint is asked; where they differ the run waits for a person.",
    .effect = run::Effect::reads,
    .capability = run::Capability::chain,
    .params = {
        { .name = "hash", .type = run::Type::text, .doc = "0x and 64 hex digits" },
        { .name = "chain", .type = run::Type::chain, .doc = "a chain of the configuration", .fallback = "base" },
    },
    .returns = R"({ state = "not_found", "pending" or "mined"; from, to, nonce; when mined: block, depth, succeeded, deep_enough }. "not_found" proves nothing: it may still come)",
    .example = R"(local sent = respawn.chain_transaction { hash = request.tx_hash })",
    .run = look_up_transaction,
};

} // namespace respawn::primitives
