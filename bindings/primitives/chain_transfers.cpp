#include "run/game.h"
#include "run/primitive.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<std::string> token_address(chain::Chain& chain, const std::string& name) {
    const auto& addresses = chain.settings().addresses;
    if (const auto found = addresses.find(name); found != addresses.end())
        return found->second;
    if (name.starts_with("0x"))
        return name;
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("the chain has no address named {}", name),
                  .fix = "add it under `addresses:` of the chain in respawn.yaml" };
}

// Up to the newest block: a transfer that is not deep yet is still one that may stand.
Result<Value> look_up_transfers(const run::Call& call) {
    auto* chain = TRY(call.game().chain(call.text("chain")));
    chain::TransferQuery query{ .token = TRY(token_address(*chain, call.text("token"))),
                                .to = call.text("to") };
    query.first_block = TRY(chain->block_at_time({ call.integer("since") * 1'000'000 }));
    query.last_block = TRY(chain->height());
    if (!call.text("from").empty())
        query.from = call.text("from");
    Value::List transfers;
    for (const auto& transfer : TRY(chain->transfers(query)))
        transfers.push_back(Value::Map{ { "hash", transfer.transaction },
                                        { "block", transfer.block },
                                        { "from", transfer.from },
                                        { "to", transfer.to },
                                        { "amount", transfer.amount } });
    return Value(std::move(transfers));
}

} // namespace

extern const run::Primitive chain_transfers = {
    .name = "chain_transfers",
    .summary = "The transfers of a token to an address since a moment, from the chain's logs. Transfers of the chain's own coin leave no log and are not seen.",
    .effect = run::Effect::reads,
    .capability = run::Capability::chain,
    .params = {
        { .name = "token", .type = run::Type::text, .doc = "the token's contract, or its name under `addresses:`" },
        { .name = "to", .type = run::Type::text, .doc = "who received" },
        { .name = "since", .type = run::Type::integer, .doc = "seconds since 1970" },
        { .name = "from", .type = run::Type::text, .doc = "who sent; anybody when left out", .fallback = "" },
        { .name = "chain", .type = run::Type::chain, .doc = "a chain of the configuration", .fallback = "base" },
    },
    .returns = "a list of { hash, block, from, to, amount }; amount is a decimal text in the token's smallest unit",
    .example = R"(local paid = respawn.chain_transfers { token = "galleon_token", to = wallet, since = request.requested_at })",
    .run = look_up_transfers,
};

} // namespace respawn::primitives
