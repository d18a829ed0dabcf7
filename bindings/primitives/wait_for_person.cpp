#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> wait(const run::Call& call) {
    return Error{ .kind = Kind::needs_person,
                  .why = call.text("text"),
                  .fix = "decide by hand, or run it again when the facts are clear" };
}

} // namespace

extern const run::Primitive wait_for_person = {
    .name = "wait_for_person",
    .summary = "Stops the run for a person (exit 5): what is known does not prove what to do.",
    .positional = true,
    .params = { { .name = "text",
                  .type = run::Type::text,
                  .doc = "the facts; further arguments fill it in as string.format does" } },
    .returns = "never",
    .example = R"(respawn.wait_for_person("transaction %s is still pending", hash))",
    .run = wait,
};

} // namespace respawn::primitives
