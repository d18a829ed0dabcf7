#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> must_hold(const run::Call& call) {
    if (call.truth("holds"))
        return Value(nullptr);
    return Error{ .kind = Kind::not_needed, .why = call.text("text") };
}

} // namespace

extern const run::Primitive require = {
    .name = "require",
    .summary = "Goes on only when a condition holds; else the run ends as not needed, and nothing was changed.",
    .positional = true,
    .params = {
        { .name = "holds", .type = run::Type::boolean, .doc = "the condition" },
        { .name = "text", .type = run::Type::text, .doc = "what is so when it does not hold; further arguments fill it in as string.format does" },
    },
    .example = R"(respawn.require(duel.status == "active", "duel %d has ended already", duel.id))",
    .run = must_hold,
};

} // namespace respawn::primitives
