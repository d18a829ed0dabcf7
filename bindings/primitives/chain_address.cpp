#include "run/game.h"
#include "run/primitive.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<Value> look_up_address(const run::Call& call) {
    const auto& addresses = TRY(call.game().chain(call.text("chain")))->settings().addresses;
    const auto found = addresses.find(call.text("name"));
    if (found != addresses.end())
        return Value(found->second);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("chain {} has no address named {}", call.text("chain"),
                                     call.text("name")),
                  .fix = fmt::format("add it in respawn.yaml: chains: {}: addresses: {}",
                                     call.text("chain"), call.text("name")) };
}

} // namespace

extern const run::Primitive chain_address = {
    .name = "chain_address",
    .summary = "An address that the configuration names: the game's hot wallet, its token.",
    .effect = run::Effect::reads,
    .capability = run::Capability::chain,
    .params = {
        { .name = "name", .type = run::Type::text, .doc = "a name under `addresses:` of the chain" },
        { .name = "chain", .type = run::Type::chain, .doc = "a chain of the configuration", .fallback = "base" },
    },
    .returns = "the address as text",
    .example = R"(local sender = respawn.chain_address { name = "hot_wallet" })",
    .run = look_up_address,
};

} // namespace respawn::primitives
