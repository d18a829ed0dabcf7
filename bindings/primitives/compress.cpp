#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> wrap_compressed(const run::Call& call) {
    auto stages = call.list("stream");
    stages.push_back(Value::Map{ { "stage", "compress" } });
    return Value(std::move(stages));
}

} // namespace

extern const run::Primitive compress = {
    .name = "compress",
    .summary = "A stream, compressed with zstd; what it gives ends in .zst and is read by `zstd -d`.",
    .positional = true,
    .params = { { .name = "stream",
                  .type = run::Type::stream,
                  .doc = "what respawn.dump, respawn.compress or respawn.encrypt gave" } },
    .returns = "a stream",
    .example = R"(local stream = respawn.compress(respawn.dump {}))",
    .run = wrap_compressed,
};

} // namespace respawn::primitives
