#include "cli/person.h"
#include "cli/run_flow.h"
#include "cli/verb.h"

namespace respawn::cli {

namespace {

Result<int> give_answer(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    AtCommandLine person(context);
    run::Engine engine(game, context.primitives, context.folders(game.config()), context.cancel,
                       person);
    const auto run = TRY(TRY(game.journal())->run(context.typed.value("RUN"))).id;
    TRY(engine.answer(run, { .choice = context.typed.value("CHOICE"), .by = operator_name() }));
    return plan_and_perform_rest(context, game, engine, run);
}

} // namespace

extern const Verb answer = {
    .name = "answer",
    .summary = "Answers the question that a run waits with, shows what it would still do, and goes on.",
    .arguments = { { .name = "RUN", .doc = "its id or a prefix", .required = true },
                   { .name = "CHOICE",
                     .doc = "one of the answers that `runs show` lists",
                     .required = true } },
    .options = with_run_options({}),
    .details =
        "The answer is kept first. Without a terminal and without --yes it then ends with exit 5 "
        "and says how to go on.",
    .example = "respawn answer 01J8K refund",
    .run = give_answer,
};

} // namespace respawn::cli
