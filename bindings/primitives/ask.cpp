#include "run/primitive.h"

namespace respawn::primitives {

// Each mode knows by itself whom it asks (run/answers.h).
extern const run::Primitive ask = {
    .name = "ask",
    .summary = "Lets a person choose. Without one the run waits (exit 5) for `respawn answer`.",
    .effect = run::Effect::asks,
    .params = {
        { .name = "text", .type = run::Type::text, .doc = "the question, with the facts it takes to answer it" },
        { .name = "choices", .type = run::Type::list, .doc = "the answers there are: 2 to 20 different texts" },
    },
    .returns = "the chosen text",
    .would = "ask: {text}",
    .example = R"(local choice = respawn.ask { text = "Both moved in the same second. Who wins?", choices = { "ada", "lin", "nobody" } })",
};

} // namespace respawn::primitives
