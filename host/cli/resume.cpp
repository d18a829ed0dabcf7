#include "base/text.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/run_flow.h"
#include "cli/run_view.h"
#include "cli/verb.h"

#include <charconv>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<int> give_up(run::Engine& engine, const std::string& name) {
    const auto outcome = TRY(engine.abort(name));
    const auto& run = outcome.run;
    say(fmt::format("run {} of {} is given up. What it did stays done: respawn runs show {}", run.id,
                    run.runbook, run.id));
    show_services(outcome.services);
    return 0;
}

Result<void> settle_step(const Context& context, run::Engine& engine, const std::string& name) {
    const auto typed = context.typed.value("--step");
    std::int64_t step = 0;
    const auto [end, fault] = std::from_chars(typed.data(), typed.data() + typed.size(), step);
    if (fault != std::errc() || end != typed.data() + typed.size())
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("'{}' is no step", printable(typed)),
                      .fix = "its number, as runs show gives it" };
    if (context.typed.has("--done") == context.typed.has("--redo"))
        return Error{ .kind = Kind::usage,
                      .why = "say what you found out about the step",
                      .fix =
                          "--done: it happened; --redo: it did not, do it; --abort: give the run up" };
    return engine.settle(name, step,
                         context.typed.has("--done") ? run::Verdict::happened : run::Verdict::redo);
}

Result<int> accept_database(run::Game& game, const std::string& component) {
    const auto state = TRY(TRY(game.database(component))->marker_state());
    TRY(TRY(game.journal())->accept_marker(component, state));
    say(fmt::format("the database of {} is taken as it stands now (last write of respawn: {})",
                    component, state.highest));
    return 0;
}

// The run that is waiting, when there is only one.
Result<std::string> named_run(const Context& context, run::Game& game) {
    if (context.typed.has("RUN"))
        return context.typed.value("RUN");
    std::vector<std::string> waiting;
    for (const auto& run : TRY(TRY(game.journal())->runs(100)))
        if (state_of(run) == "interrupted" || run.state == journal::RunState::parked)
            waiting.push_back(run.id);
    if (waiting.size() == 1)
        return waiting.front();
    return Error{ .kind = Kind::usage,
                  .why = waiting.empty()
                             ? "no run is interrupted or waiting"
                             : fmt::format("{} are waiting", counted(waiting.size(), "run")),
                  .fix = "respawn runs lists them; then: respawn resume RUN" };
}

Result<int> go_on(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    AtCommandLine person(context);
    run::Engine engine(game, context.primitives, context.folders(game.config()), context.cancel,
                       person);
    if (context.typed.has("--accept-database"))
        return accept_database(game, context.typed.value("--accept-database"));
    const auto name = TRY(named_run(context, game));
    if (context.typed.has("--abort"))
        return give_up(engine, name);
    const auto run = TRY(TRY(game.journal())->run(name));
    if (run.runbook == "restore")
        return restore_again(context, std::move(game), run);
    if (context.typed.has("--step"))
        TRY(settle_step(context, engine, name));
    if (context.typed.has("--dry-run") || context.typed.has("--plan"))
        return plan_and_perform_rest(context, game, engine, run.id);
    RunPrinter printer(false);
    say(fmt::format("{}  {} {}  run {}, from its journal", painted("LIVE, RESUMED", Colour::bold),
                    run.runbook, run.version, run.id));
    const auto outcome = TRY(engine.resume(name, printer, context.typed.has("--beyond-plan")));
    printer.finish();
    return show_outcome(outcome);
}

} // namespace

extern const Verb resume = {
    .name = "resume",
    .summary = "Goes on with a run that was interrupted, failed or waits; nothing is done twice.",
    .arguments = { { .name = "RUN",
                     .doc = "its id or a prefix; the waiting one when there is only one" } },
    .options = with_run_options(
        { { .name = "--step",
            .value = "N",
            .doc = "a step that nobody knows the outcome of, with --done or --redo" },
          { .name = "--done", .doc = "it happened: go on behind it" },
          { .name = "--redo", .doc = "it did not happen: do it" },
          { .name = "--abort",
            .doc = "give the run up and let go of what it holds; what it did stays done" },
          { .name = "--beyond-plan", .doc = "go on where the agreed plan could not see further" },
          { .name = "--accept-database",
            .value = "COMPONENT",
            .doc = "a database went back (restore, failover), and is right as it is" } }),
    .details =
        "With --dry-run it shows what is still to be done; --plan does that, or nothing.\n"
        "The source that ran is kept in the journal and used again, whatever became of the file.",
    .example = "respawn resume 01J8K",
    .run = go_on,
};

} // namespace respawn::cli
