#include "cli/incident_report.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

using journal::CallRecord;
using journal::CallState;
using journal::RunRecord;

// So that it is text in Markdown, also in a cell of a table.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        if (std::string_view("\\`*_{}[]<>#|~").find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out;
}

std::string clock(Moment moment) { return to_rfc3339(moment, true); }

std::string parameters_of(const RunRecord& run) {
    std::vector<std::string> all;
    if (const auto* map = run.parameters.map())
        for (const auto& [name, value] : *map)
            all.push_back(fmt::format("{} = {}", name, to_text(value)));
    return join(all, ", ");
}

std::string facts(const RunRecord& run) {
    const bool ended = run.finished.microseconds != 0;
    const std::pair<const char*, std::string> all[] = {
        { "Run", run.id },
        { "Runbook", run.runbook + " " + run.version },
        { "Parameters", parameters_of(run) },
        { "Worked on", run.target },
        { "By", fmt::format("{} on {}", run.operator_name, run.holder.host) },
        { "Cause", run.reason.empty() ? "not given (--reason)" : run.reason },
        { "Agreed plan", run.plan.substr(0, 12) },
        { "Began", clock(run.started) },
        { "Ended", ended ? clock(run.finished) : "not yet" },
        { "Took", ended ? human_duration(run.finished - run.started) : "" },
    };
    std::string text = "| | |\n|---|---|\n";
    for (const auto& [name, value] : all)
        if (!value.empty())
            text += fmt::format("| {} | {} |\n", name, escaped(value));
    return text;
}

std::string what_was_changed(const std::vector<CallRecord>& calls) {
    std::string text;
    for (const auto& call : calls) {
        const auto written = database::written_from(call.result.at("written"));
        if (!written.ok() || written.value().rows.empty())
            continue;
        text += fmt::format("Step {}, {}, on {}:\n\n", call.position, clock(call.begun),
                            escaped(call.component));
        for (const auto& line : change_lines(written.value().rows))
            text += fmt::format("- {}\n", escaped(line));
        text += '\n';
    }
    return text.empty() ? "No row of a database was changed.\n\n" : text;
}

std::string outcome_of(const CallRecord& call) {
    switch (call.state) {
    case CallState::done:
        return "done";
    case CallState::intent:
        return "begun; nobody knows yet whether it happened";
    case CallState::maybe:
        return "may have happened";
    case CallState::failed:
        return "did not happen: " + call.result.text_at("why");
    case CallState::parked:
        return "waits for a person: " + call.result.text_at("why");
    }
    return "";
}

std::string timeline(const std::vector<CallRecord>& calls) {
    std::string text = "| time | step | phase | call | where | outcome |\n|---|---|---|---|---|---|\n";
    for (const auto& call : calls) {
        const auto* const mark = call.policy == journal::Policy::none ? "" : "**";
        text += fmt::format("| {} | {} | {} | {}{}{} | {} | {} |\n", clock(call.begun), call.position,
                            escaped(call.phase), mark, escaped(call.name), mark, escaped(call.where),
                            escaped(outcome_of(call)));
    }
    return text + "\nCalls in bold have an effect; the others only look.\n";
}

std::string what_is_open(const RunRecord& run) {
    const auto state = state_of(run);
    const auto why = run.error.text_at("why");
    std::string text = why.empty() ? "" : fmt::format("It ended with: {}\n\n", escaped(why));
    if (state == "interrupted" || state == "parked" || state == "failed" || state == "running")
        text += fmt::format("It is {0}. To go on: `respawn resume {1}`; to give it up: `respawn resume "
                            "{1} --abort`\n",
                            state, run.id);
    return text.empty() ? "Nothing.\n" : text;
}

} // namespace

std::string incident_report(const RunRecord& run, const std::vector<CallRecord>& calls) {
    return fmt::format("# {}: {}\n\n{}\n## What was changed\n\n{}## Timeline (UTC)\n\n{}\n## What is "
                       "still open\n\n{}",
                       escaped(run.runbook), state_of(run), facts(run), what_was_changed(calls),
                       timeline(calls), what_is_open(run));
}

} // namespace respawn::cli
