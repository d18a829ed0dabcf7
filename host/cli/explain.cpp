#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"
#include "cli/verb.h"
#include "run/plan.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// Primitives that a runbook's own text names, with the effects among them.
std::vector<const run::Primitive*> effects_named(const run::Primitives& all,
                                                 const run::Runbook& runbook) {
    std::vector<const run::Primitive*> named;
    for (const auto* primitive : all)
        for (const auto& [module, text] : runbook.source.modules)
            if (run::changes_something(primitive->effect) &&
                text.find(fmt::format("respawn.{}", primitive->name)) != std::string::npos) {
                named.push_back(primitive);
                break;
            }
    return named;
}

std::string undone_by(const run::Primitive& primitive) {
    switch (primitive.effect) {
    case run::Effect::writes_rows:
        return "every row's values from before are kept in the journal (runs show)";
    case run::Effect::restores:
        return "what was live is kept aside";
    default:
        return primitive.policy == journal::Policy::let_go ? "a message cannot be taken back"
                                                           : "it only adds";
    }
}

std::string after_crash(journal::Policy policy) {
    switch (policy) {
    case journal::Policy::probe:
        return "the target is asked whether it happened";
    case journal::Policy::repeat:
        return "it is repeated under the same key";
    case journal::Policy::let_go:
        return "maybe sent; the run goes on";
    default:
        return "a person decides";
    }
}

Result<std::optional<journal::RunRecord>> last_run(run::Game& game, const std::string& name) {
    for (const auto& run : TRY(TRY(game.journal())->runs(1000)))
        if (run.runbook == name && run.state == journal::RunState::done)
            return std::optional(run);
    return std::optional<journal::RunRecord>();
}

// What its operator has to bring.
std::vector<std::string> wishes(const run::Description& about) {
    std::vector<std::string> all;
    if (about.approvals > 0)
        all.push_back(
            fmt::format("the approval of {} besides the operator",
                        about.approvals == 1 ? "a person" : fmt::format("{} people", about.approvals)));
    if (!about.confirm.empty())
        all.push_back("the code " + printable(about.confirm) + " (--confirm)");
    if (about.reason)
        all.emplace_back("a reason (--reason)");
    return all;
}

// "the last was 3 h ago and passed"
Result<std::string> last_rehearsal(run::Game& game, const run::Runbook& runbook) {
    const auto hash = run::sources_hash(run::sources_value(runbook.source.modules));
    const auto all = TRY(TRY(game.journal())->rehearsals(1, hash));
    if (all.empty())
        return std::string("there is none yet");
    return fmt::format("the last was {} ago and {}", human_duration(now() - all.front().began),
                       all.front().passed ? "passed" : "did not pass");
}

void show(const run::Runbook& runbook, const std::vector<const run::Primitive*>& effects,
          const std::optional<journal::RunRecord>& last, const std::string& rehearsed) {
    const auto& about = runbook.description;
    say(fmt::format("{} {}\n  {}", painted(runbook.source.name, Colour::bold), about.version,
                    printable(about.summary)));
    for (const auto& parameter : about.params)
        say(fmt::format("  {}=  {} ({}{})", parameter.name, printable(parameter.doc), parameter.type,
                        parameter.fallback.is_null() ? "" : ", else " + to_text(parameter.fallback)));
    say(fmt::format("  works on   {}", about.target.empty()
                                           ? "everything: no other run may work meanwhile"
                                           : about.target));
    say(fmt::format("  phases     {}", join(about.phases, ", ")));
    say(fmt::format("  may        {}", join(about.uses, ", ")));
    for (const auto* primitive : effects)
        say(fmt::format("  changes    {}: {} After a crash: {}. Undone: {}.", primitive->name,
                        primitive->summary, after_crash(primitive->policy), undone_by(*primitive)));
    for (const auto& wish : wishes(about))
        say("  wants      " + wish);
    if (about.rehearsal)
        say(fmt::format("  requires   a rehearsal of this source that has passed in the last {}: {}",
                        human_duration(*about.rehearsal), rehearsed));
    if (about.rto)
        say(fmt::format("  promised   within {}", human_duration(*about.rto)));
    say(last ? fmt::format("  last time  took {} ({}, run {})",
                           human_duration(last->finished - last->started),
                           to_rfc3339(last->started, true), last->id)
             : "  last time  it has not run here yet");
    std::string command = "respawn run " + runbook.source.name;
    for (const auto& parameter : about.params)
        if (!parameter.optional && parameter.fallback.is_null())
            command += fmt::format(" {}=…", parameter.name);
    say(fmt::format("\nTo see what it would do: {} --dry-run", command));
}

Result<int> explain_runbook(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    run::Engine engine(game, context.primitives, context.folders(game.config()), context.cancel);
    const auto runbook = TRY(engine.describe(context.typed.value("RUNBOOK")));
    const auto effects = effects_named(context.primitives, runbook);
    if (!context.json) {
        show(runbook, effects, TRY(last_run(game, runbook.source.name)),
             TRY(last_rehearsal(game, runbook)));
        return 0;
    }
    Value::List names;
    for (const auto* primitive : effects)
        names.push_back(Value::Map{ { "name", primitive->name },
                                    { "policy", journal::name_of(primitive->policy) } });
    say_json(Value::Map{ { "name", runbook.source.name },
                         { "description", runbook.description.table },
                         { "effects", std::move(names) } });
    return 0;
}

} // namespace

extern const Verb explain = {
    .name = "explain",
    .summary = "Says what a recovery procedure changes, how that is undone, and how long it took last.",
    .arguments = { { .name = "RUNBOOK", .doc = "its name or a file", .required = true } },
    .example = "respawn explain wox/stuck_duel",
    .run = explain_runbook,
};

} // namespace respawn::cli
