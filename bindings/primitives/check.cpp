#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> must_be_true(const run::Call& call) {
    if (call.truth("holds"))
        return Value(true);
    return Error{ .kind = Kind::failed_check, .why = "this does not hold: " + call.text("text") };
}

} // namespace

extern const run::Primitive check = {
    .name = "check",
    .summary = "One yes-or-no question of verify; when the answer is no, the run fails (exit 4).",
    .positional = true,
    .params = {
        { .name = "text", .type = run::Type::text, .doc = "what should be so, as a sentence" },
        { .name = "holds", .type = run::Type::boolean, .doc = "whether it is" },
    },
    .returns = "true",
    .example = R"(respawn.check("the duel has ended", duels.find(case.duel).status == "ended"))",
    .run = must_be_true,
};

} // namespace respawn::primitives
