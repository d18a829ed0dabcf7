#include "base/text.h"
#include "cli/incident_report.h"
#include "cli/output.h"
#include "cli/rehearsal_view.h"
#include "cli/run_view.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Value call_value(const journal::CallRecord& call) {
    return Value::Map{ { "step", call.position },
                       { "phase", call.phase },
                       { "name", call.name },
                       { "component", call.component },
                       { "where", call.where },
                       { "arguments", call.arguments },
                       { "policy", journal::name_of(call.policy) },
                       { "state", journal::name_of(call.state) },
                       { "result", call.result },
                       { "begun", to_rfc3339(call.begun) },
                       { "settled",
                         call.settled.microseconds == 0 ? Value() : Value(to_rfc3339(call.settled)) } };
}

void show_call(const journal::CallRecord& call) {
    const bool effect = call.policy != journal::Policy::none;
    const auto state = std::string(journal::name_of(call.state));
    const auto line =
        fmt::format("  {}  {:>3}  {:<9} {:<18} {:<7} {}", to_rfc3339(call.begun, true).substr(11, 8),
                    call.position, call.phase, call.name, state, printable(call.where));
    say(effect ? painted(line, Colour::bold) : line);
    if (const auto written = database::written_from(call.result.at("written")); written.ok())
        for (const auto& change : change_lines(written.value().rows))
            say("                 " + change);
    if (call.state == journal::CallState::failed || call.state == journal::CallState::parked)
        say("                 " + printable(call.result.text_at("why")));
}

// What became of services when it ended, and those that are down now because of it.
void show_services_of(run::Game& game, const journal::RunRecord& run) {
    std::vector<std::string> lines;
    if (const auto* told = run.error.at("services").list())
        for (const auto& line : *told)
            lines.push_back("when it ended: " + (line.text() ? *line.text() : std::string()));
    for (const auto& one : stopped_units(game))
        if (one.run() == run.id)
            lines.push_back(fmt::format("{} is down since {}, stopped by step {}", one.unit,
                                        to_rfc3339(one.when, true),
                                        one.step.substr(run.id.size() + 1)));
    show_services(lines);
}

void show_run(run::Game& game, const journal::RunRecord& run,
              const std::vector<journal::CallRecord>& calls,
              const std::vector<journal::ApprovalRecord>& approvals) {
    say(fmt::format("run {}  {} {}  {}", run.id, run.runbook, run.version,
                    painted(state_of(run), Colour::bold)));
    say(fmt::format("  by {} on {}, {}{}", printable(run.operator_name), run.holder.host,
                    to_rfc3339(run.started, true),
                    run.reason.empty() ? "" : ": " + printable(run.reason)));
    say(fmt::format("  parameters {}, target {}{}", to_text(run.parameters), printable(run.target),
                    run.plan.empty() ? "" : ", plan " + run.plan.substr(0, 12)));
    for (const auto& approval : approvals)
        if (approval.used_by == run.id)
            say(fmt::format("  approved by {}, {}{}", printable(approval.approver),
                            to_rfc3339(approval.made, true),
                            approval.reason.empty() ? "" : ": " + printable(approval.reason)));
    for (const auto& call : calls)
        show_call(call);
    if (!run.error.is_null() && !run.error.text_at("why").empty())
        say(fmt::format("  ended: {}", printable(run.error.text_at("why"))));
    show_services_of(game, run);
    const auto state = state_of(run);
    if (state == "parked" && !run.error.text_at("fix").empty())
        say(fmt::format("  next: {}   (or give it up: respawn resume {} --abort)",
                        printable(run.error.text_at("fix")), run.id));
    else if (state == "interrupted" || state == "parked" || state == "failed")
        say(fmt::format("  next: respawn resume {0}   (or give it up: respawn resume {0} --abort)",
                        run.id));
}

int show_rehearsed(const Context& context, const journal::RehearsalRecord& rehearsal) {
    if (context.json)
        say_json(to_value(rehearsal));
    else
        show_rehearsal(rehearsal);
    return 0;
}

Result<int> show(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    auto* journal = TRY(game.journal());
    const auto name = context.typed.value("RUN");
    const auto found = journal->run(name);
    if (!found.ok() && found.error().kind == Kind::missing)
        if (const auto rehearsal = journal->rehearsal(name); rehearsal.ok())
            return show_rehearsed(context, rehearsal.value());
    const auto run = TRY(found);
    const auto calls = TRY(journal->calls(run.id));
    if (context.typed.has("--markdown")) {
        say(incident_report(run, calls));
        return 0;
    }
    if (!context.json) {
        show_run(game, run, calls, TRY(journal->approvals(run.plan)));
        return 0;
    }
    auto answer = *to_value(run).map();
    Value::List steps;
    for (const auto& call : calls)
        steps.push_back(call_value(call));
    answer.insert_or_assign("steps", std::move(steps));
    say_json(answer);
    return 0;
}

} // namespace

extern const Verb runs_show = {
    .name = "runs show",
    .summary = "Shows one run: every step, with what each effect changed, before and after.",
    .arguments = { { .name = "RUN",
                     .doc = "its id or a prefix; a rehearsal's as well",
                     .required = true } },
    .options = { { .name = "--markdown", .doc = "as an incident report in Markdown" } },
    .example = "respawn runs show 01J8K --markdown",
    .run = show,
};

} // namespace respawn::cli
