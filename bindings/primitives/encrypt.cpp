#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> wrap_encrypted(const run::Call& call) {
    auto stages = call.list("stream");
    stages.push_back(Value::Map{ { "stage", "encrypt" } });
    return Value(std::move(stages));
}

} // namespace

extern const run::Primitive encrypt = {
    .name = "encrypt",
    .summary = "A stream, encrypted under a key of the vault's; `respawn decrypt` reads it.",
    .positional = true,
    .params = { { .name = "stream",
                  .type = run::Type::stream,
                  .doc = "what respawn.dump, respawn.compress or respawn.encrypt gave" } },
    .returns = "a stream",
    .example = R"(local stream = respawn.encrypt(respawn.dump {}))",
    .run = wrap_encrypted,
};

} // namespace respawn::primitives
