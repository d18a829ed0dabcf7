#include "cli/run_flow.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/rehearsal_view.h"
#include "cli/run_view.h"
#include "run/consent.h"
#include "run/recorded.h"

#include <fmt/format.h>
#include <functional>

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
                       { "rehearsed", to_value(planned.rehearsed) },
                       { "timeline", timeline } };
}

using Plan = std::function<Result<run::Planned>(run::Listener&)>;
using Perform = std::function<Result<run::Outcome>(run::Listener&)>;

// The dry run, shown; gives the plan.
Result<run::Planned> show_plan(const Context& context, const RunCommand& command, const run::Game& game,
                               const Plan& plan) {
    announce(context, "DRY RUN", command.shown, game);
    RunRecorder recorder;
    RunPrinter printer(true);
    auto planned = plan(context.json ? static_cast<run::Listener&>(recorder) : printer);
    if (!context.json)
        printer.finish();
    if (planned.ok() && !context.json)
        show_beside(planned.value().rehearsed);
    if (planned.ok() && context.json && context.typed.has("--dry-run"))
        say_json(json_of(planned.value(), recorder.timeline()));
    return planned;
}

int say_not_needed(const Error& why) {
    say("Nothing needs doing: " + printable(why.why));
    return 0;
}

// The live run, shown; gives the exit code.
Result<int> show_live(const Context& context, const Perform& perform) {
    RunRecorder recorder;
    RunPrinter printer(false);
    auto ended = perform(context.json ? static_cast<run::Listener&>(recorder) : printer);
    if (!ended.ok() && ended.error().kind == Kind::not_needed && !context.json)
        return say_not_needed(ended.error());
    const auto outcome = TRY(std::move(ended));
    if (!context.json) {
        printer.finish();
        return show_outcome(outcome);
    }
    auto answer = *to_value(outcome.run).map();
    answer.insert_or_assign("error", outcome.error ? run::to_value(*outcome.error) : Value());
    answer.insert_or_assign("effects", outcome.effects);
    answer.insert_or_assign("services", Value::List(outcome.services.begin(), outcome.services.end()));
    answer.insert_or_assign("timeline", recorder.timeline());
    answer.insert_or_assign("rehearsed", to_value(outcome.rehearsed));
    say_json(answer);
    return outcome.error ? run::exit_code(outcome.error->kind) : 0;
}

void show_early_end(const run::Planned& planned) {
    if (!planned.ended_at)
        return;
    say(fmt::format("The dry run ends here: {}", printable(planned.ended_at->why)));
    if (!planned.ended_at->fix.empty())
        say("  do     " + planned.ended_at->fix);
}

int show_end_of_plan(const Context& context, const RunCommand& command, const run::Planned& planned) {
    if (context.json)
        return 0;
    if (planned.not_needed)
        return say_not_needed(*planned.ended_at);
    show_early_end(planned);
    const auto needed = static_cast<std::uint64_t>(planned.runbook.description.approvals);
    if (needed > 0)
        say(fmt::format("It needs the approval of {} besides you:  respawn approve {}",
                        needed == 1 ? "a person" : fmt::format("{} people", needed),
                        planned.plan.hash.substr(0, 12)));
    say(fmt::format("Nothing was changed. To do it:  {} --plan {}", command.text,
                    planned.plan.hash.substr(0, 12)));
    return 0;
}

// What the runbook wants typed, where there is a terminal to ask on; else perform() names what is
// missing.
Result<void> ask_for_what_is_wanted(const run::Planned& planned, RunCommand& command) {
    if (!has_terminal())
        return {};
    if (planned.runbook.description.reason && command.request.reason.empty())
        command.request.reason =
            TRY(ask_text("Why is it done? It is kept in the journal: ")).value_or("");
    if (!planned.runbook.description.confirm.empty() && command.request.confirmation.empty())
        command.request.confirmation =
            TRY(ask_text(fmt::format("Nothing was changed yet. Type {} to do it: ",
                                     printable(planned.runbook.description.confirm))))
                .value_or("");
    return {};
}

// Whether the person at the command line wants what was shown. A code that was typed is a yes.
Result<bool> agree(const Context& context, const run::Planned& planned, RunCommand& command,
                   journal::Journal& journal) {
    if (planned.runbook.description.approvals == 0)
        TRY(ask_for_what_is_wanted(planned, command));
    TRY(run::must_be_agreed(planned.runbook.description, command.request, planned.plan, journal));
    if (context.typed.has("--yes") || !planned.runbook.description.confirm.empty())
        return true;
    return ask("Nothing was changed yet. Do this?",
               fmt::format("{} --plan {}", command.text, planned.plan.hash.substr(0, 12)));
}

} // namespace

void announce(const Context& context, std::string_view mode, const std::string& title,
              const run::Game& game) {
    if (!context.json)
        say(fmt::format("{}  {}  on {} ({})", painted(mode, Colour::bold), title, game.config().game,
                        game.config().environment));
}

std::vector<Option> with_run_options(std::vector<Option> own) {
    for (const auto& option : std::vector<Option>{
             { .name = "--dry-run",
               .doc = "only show: nothing is changed, and the last line says how to do it" },
             { .name = "--plan",
               .value = "HASH",
               .doc = "do what a dry run showed, or nothing (exit 8) if the facts moved since" },
             { .name = "--yes", .doc = "do it without asking" },
             { .name = "--reason", .value = "TEXT", .doc = "why, for the journal" },
             { .name = "--confirm",
               .value = "CODE",
               .doc = "the code that some runbooks want typed, as `respawn explain` shows it" },
             { .name = "--answer",
               .value = "CHOICE",
               .doc = "to what the runbook asks a person, in order",
               .repeated = true } })
        own.push_back(option);
    return own;
}

Result<int> plan_and_perform(const Context& context, const RunCommand& command) {
    auto game = TRY(context.game(config::Strictness::lenient));
    AtCommandLine person(context);
    run::Engine engine(game, context.primitives, context.folders(game.config()), context.cancel,
                       person);
    const auto perform = [&](const RunCommand& agreed, const journal::PlanRecord& plan) -> Result<int> {
        announce(context, "LIVE", command.shown, game);
        return show_live(context, [&](run::Listener& listener) {
            return engine.perform(agreed.request, plan, listener);
        });
    };
    if (context.typed.has("--plan"))
        return perform(command, TRY(TRY(game.journal())->plan(context.typed.value("--plan"))));
    const auto planned = TRY(show_plan(context, command, game, [&](run::Listener& listener) {
        return engine.plan(command.request, listener);
    }));
    if (planned.not_needed || context.typed.has("--dry-run"))
        return show_end_of_plan(context, command, planned);
    TRY(run::must_be_rehearsed(planned.runbook.description, command.request.parameters, planned.plan,
                               *TRY(game.journal())));
    auto agreed = command;
    if (!TRY(agree(context, planned, agreed, *TRY(game.journal())))) {
        say("Nothing was changed.");
        return 5;
    }
    return perform(agreed, planned.plan);
}

Result<int> plan_and_perform_rest(const Context& context, run::Game& game, run::Engine& engine,
                                  const std::string& run) {
    RunCommand command{ .request = { .runbook = {},
                                     .parameters = {},
                                     .operator_name = operator_name(),
                                     .reason = context.typed.value("--reason"),
                                     .confirmation = context.typed.value("--confirm") },
                        .text = "respawn resume " + run,
                        .shown = "the rest of run " + run };
    const auto go_on = [&](const journal::PlanRecord& plan) -> Result<int> {
        announce(context, "LIVE, RESUMED", command.shown, game);
        return show_live(context, [&](run::Listener& listener) {
            return engine.resume_as(run, plan, command.request, listener);
        });
    };
    if (context.typed.has("--plan"))
        return go_on(TRY(TRY(game.journal())->plan(context.typed.value("--plan"))));
    const auto planned = TRY(show_plan(context, command, game, [&](run::Listener& listener) {
        return engine.plan_rest(run, command.request.operator_name, listener);
    }));
    if (planned.not_needed || context.typed.has("--dry-run"))
        return show_end_of_plan(context, command, planned);
    if (!TRY(agree(context, planned, command, *TRY(game.journal())))) {
        say("Nothing was changed.");
        return 5;
    }
    return go_on(planned.plan);
}

} // namespace respawn::cli
