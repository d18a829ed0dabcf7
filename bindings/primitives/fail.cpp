#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> give_up(const run::Call& call) {
    return Error{ .kind = Kind::failed_check, .why = call.text("text") };
}

} // namespace

extern const run::Primitive fail = {
    .name = "fail",
    .summary = "Ends the run as failed (exit 4): the facts are such that this runbook must not go on.",
    .positional = true,
    .params = { { .name = "text",
                  .type = run::Type::text,
                  .doc = "why; further arguments fill it in as string.format does" } },
    .returns = "never",
    .example = R"(respawn.fail("wallet %s is unknown", wallet))",
    .run = give_up,
};

} // namespace respawn::primitives
