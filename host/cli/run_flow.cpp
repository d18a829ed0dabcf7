#include "cli/run_flow.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Value json_of(const run::Planned& planned, const Value::List& timeline) {
    return Value::Map{ { "mode", "dry_run" },
                       { "runbook", planned.plan.runbook },
                       { "version", planned.plan.version },
                       { "state", planned.not_needed ? "not_needed" : "planned" },
                       { "why", planned.ended_at ? Value(planned.ended_at->why) : Value() },
                       { "plan", planned.not_needed ? Value() : Value(planned.plan.hash) },
                       { "effects", planned.plan.effects },
                       { "timeline", timeline } };
}

void announce(const Context& context, std::string_view mode, const std::string& title,
              const run::Game& game) {
    if (!context.json)
        say(fmt::format("{}  {}  on {} ({})", painted(mode, Colour::bold), title, game.config().game,
                        game.config().environment));
}

// The dry run, shown; gives the plan.
Result<run::Planned> show_plan(const Context& context, run::Engine& engine, const run::Game& game,
                               const RunCommand& command) {
    announce(context, "DRY RUN", command.shown, game);
    RunRecorder recorder;
    RunPrinter printer(true);
    auto planned =
        engine.plan(command.request, context.json ? static_cast<run::Listener&>(recorder) : printer);
    if (!context.json)
        printer.finish();
    if (planned.ok() && context.json && context.typed.has("--dry-run"))
        say_json(json_of(planned.value(), recorder.timeline()));
    return planned;
}

Result<int> perform(const Context& context, run::Engine& engine, const run::Game& game,
                    const RunCommand& command, const journal::PlanRecord& plan) {
    announce(context, "LIVE", command.shown, game);
    RunRecorder recorder;
    RunPrinter printer(false);
    const auto outcome = TRY(engine.perform(
        command.request, plan, context.json ? static_cast<run::Listener&>(recorder) : printer));
    if (!context.json) {
        printer.finish();
        return show_outcome(outcome);
    }
    auto answer = *to_value(outcome.run).map();
    answer.insert_or_assign("error", outcome.error ? run::to_value(*outcome.error) : Value());
    answer.insert_or_assign("effects", outcome.effects);
    answer.insert_or_assign("timeline", recorder.timeline());
    say_json(answer);
    return outcome.error ? run::exit_code(outcome.error->kind) : 0;
}

int show_end_of_plan(const Context& context, const RunCommand& command, const run::Planned& planned) {
    if (context.json)
        return 0;
    if (planned.not_needed) {
        say(fmt::format("Nothing needs doing: {}", printable(planned.ended_at->why)));
        return 0;
    }
    if (planned.ended_at)
        say(fmt::format("The dry run ends here: {}", printable(planned.ended_at->why)));
    say(fmt::format("Nothing was changed. To do it:  {} --plan {}", command.text,
                    planned.plan.hash.substr(0, 12)));
    return 0;
}

} // namespace

std::vector<Option> with_run_options(std::vector<Option> own) {
    for (const auto& option : std::vector<Option>{
             { .name = "--dry-run",
               .doc = "only show: nothing is changed, and the last line says how to do it" },
             { .name = "--plan",
               .value = "HASH",
               .doc = "do what a dry run showed, or nothing (exit 8) if the facts moved since" },
             { .name = "--yes", .doc = "do it without asking" },
             { .name = "--reason", .value = "TEXT", .doc = "why, for the journal" } })
        own.push_back(option);
    return own;
}

Result<int> plan_and_perform(const Context& context, const RunCommand& command) {
    auto game = TRY(context.game(config::Strictness::lenient));
    run::Engine engine(game, context.primitives, context.folders(game.config()), context.cancel);
    if (context.typed.has("--plan")) {
        const auto plan = TRY(TRY(game.journal())->plan(context.typed.value("--plan")));
        return perform(context, engine, game, command, plan);
    }
    const auto planned = TRY(show_plan(context, engine, game, command));
    if (planned.not_needed || context.typed.has("--dry-run"))
        return show_end_of_plan(context, command, planned);
    if (!context.typed.has("--yes")) {
        const auto answer =
            ask("Nothing was changed yet. Do this?",
                fmt::format("{} --plan {}", command.text, planned.plan.hash.substr(0, 12)));
        if (!TRY(answer)) {
            say("Nothing was changed.");
            return 5;
        }
    }
    return perform(context, engine, game, command, planned.plan);
}

} // namespace respawn::cli
