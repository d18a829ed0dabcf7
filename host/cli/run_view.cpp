#include "cli/run_view.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/rehearsal_view.h"
#include "run/answers.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::size_t most_rows_shown = 200;

// The first ones, and how many there are.
std::vector<std::string> row_lines(const std::vector<database::RowChange>& rows) {
    if (rows.size() <= most_rows_shown)
        return change_lines(rows);
    auto lines = change_lines({ rows.begin(), rows.begin() + most_rows_shown });
    lines.push_back(fmt::format("and {} more of {} rows; all of them: --json",
                                rows.size() - most_rows_shown, rows.size()));
    return lines;
}

// What an effect did, as lines: its rows, or its sentence.
std::vector<std::string> effect_lines(const run::Step& step, const run::Done& done) {
    if (step.primitive.effect == run::Effect::writes_rows)
        return row_lines(done.rows);
    return { run::would_text(step.primitive, step.arguments) };
}

std::string answered(const Value& arguments, std::string_view answer) {
    return fmt::format("asked: {} Answer: {}", printable(arguments.text_at("text")), printable(answer));
}

} // namespace

std::vector<std::string> planned_lines(const run::Primitives& primitives, const Value& effects) {
    std::vector<std::string> lines;
    for (const auto& effect : *effects.list()) {
        const auto* primitive = run::find(primitives, effect.text_at("name"));
        if (run::is_answer(effect))
            lines.push_back(answered(effect.at("arguments"), effect.text_at("answer")));
        else if (!primitive)
            lines.push_back("the plan ends here: " + printable(effect.text_at("why")));
        else if (const auto written = database::written_from(effect); primitive->write && written.ok())
            for (const auto& row : row_lines(written.value().rows))
                lines.push_back("would change  " + row);
        else
            lines.push_back("would " + run::would_text(*primitive, *effect.at("arguments").map()));
    }
    return lines;
}

void RunPrinter::line(std::string_view text) {
    say(fmt::format("    {:<9} {}", std::exchange(named_, true) ? "" : phase_, text));
}

void RunPrinter::finish() {
    if (checks_ > 0)
        line(fmt::format("{} {}{}", counted(static_cast<std::uint64_t>(checks_), "check"),
                         checks_ == 1 ? "passes" : "pass", words_.checks));
    checks_ = 0;
}

void RunPrinter::phase(std::string_view name) {
    finish();
    phase_ = name;
    named_ = false;
}

void RunPrinter::log(std::string_view text) {
    for (const auto part : split(text, '\n'))
        line(printable(part));
}

void RunPrinter::done(const run::Step& step, const run::Done& done) {
    if (step.primitive.name == "check")
        ++checks_;
    if (step.primitive.effect == run::Effect::asks)
        line(answered(step.arguments, done.value.text() ? *done.value.text() : ""));
    if (!run::changes_something(step.primitive.effect))
        return;
    const bool rows = step.primitive.effect == run::Effect::writes_rows;
    for (const auto& text : effect_lines(step, done))
        line(fmt::format("{}{}", rows ? words_.rows : words_.effect, text));
    if (!done.note.empty())
        line(painted("(" + printable(done.note) + ")", Colour::dim));
}

void RunRecorder::log(std::string_view text) {
    timeline_.push_back(Value::Map{ { "phase", phase_ }, { "kind", "log" }, { "text", text } });
}

void RunRecorder::done(const run::Step& step, const run::Done& done) {
    Value::Map entry{ { "phase", step.phase },
                      { "kind", run::changes_something(step.primitive.effect) ? "effect" : "read" },
                      { "step", step.position },
                      { "name", step.primitive.name },
                      { "where", step.where },
                      { "note", done.note } };
    if (step.primitive.effect == run::Effect::asks)
        entry.insert_or_assign("answer", done.value);
    if (step.primitive.effect != run::Effect::reads) {
        entry.insert_or_assign("arguments", step.arguments);
        entry.insert_or_assign("rows", database::to_value({ .rows = done.rows }).at("rows"));
    }
    timeline_.push_back(std::move(entry));
}

std::string state_of(const journal::RunRecord& run) {
    return journal::is_interrupted(run) ? "interrupted" : std::string(journal::name_of(run.state));
}

std::string shown_state(const journal::RunRecord& run) {
    const bool far = run.state == journal::RunState::running &&
                     run.life == journal::Liveness::elsewhere && !journal::is_interrupted(run);
    if (!far)
        return state_of(run);
    // A heart that beats in time leaves most of the lease.
    const auto silence = run.silent > run.lease_left
                             ? fmt::format(", no heartbeat for {}", human_duration(run.silent))
                             : std::string();
    return fmt::format("running on {}{}", printable(run.holder.host), silence);
}

Value to_value(const journal::RunRecord& run) {
    const auto time = [](Moment moment) {
        return moment.microseconds == 0 ? Value() : Value(to_rfc3339(moment));
    };
    return Value::Map{ { "id", run.id },
                       { "runbook", run.runbook },
                       { "version", run.version },
                       { "mode", run.mode },
                       { "target", run.target },
                       { "operator", run.operator_name },
                       { "reason", run.reason },
                       { "plan", run.plan },
                       { "parameters", run.parameters },
                       { "state", state_of(run) },
                       { "phase", run.phase },
                       { "error", run.error },
                       { "silent_seconds", run.state == journal::RunState::running
                                               ? Value(run.silent.count() / 1'000'000)
                                               : Value() },
                       { "host", run.holder.host },
                       { "pid", run.holder.pid },
                       { "start_time", time(run.started) },
                       { "end_time", time(run.finished) } };
}

std::vector<service::Stopped> stopped_units(run::Game& game) {
    if (!game.config().services)
        return {};
    const auto services = game.services();
    auto stopped = services.ok() ? services.value()->stopped()
                                 : Result<std::vector<service::Stopped>>(services.error());
    return stopped.ok() ? std::move(stopped).value() : std::vector<service::Stopped>();
}

void show_services(const std::vector<std::string>& lines) {
    for (const auto& line : lines)
        say(fmt::format("  {:<12} {}", "service", painted(printable(line), Colour::yellow)));
}

int show_outcome(const run::Outcome& outcome) {
    const auto& run = outcome.run;
    show_services(outcome.services);
    if (!outcome.error) {
        say(fmt::format("{} in {}: run {}, {}. To look at it again: respawn runs show {}",
                        painted("Done", Colour::green), human_duration(now() - run.started), run.id,
                        counted(static_cast<std::uint64_t>(outcome.effects), "effect"), run.id));
        show_beside(outcome.rehearsed);
        return 0;
    }
    if (outcome.error->kind == Kind::not_needed) {
        say(fmt::format("Nothing needed doing: {}", printable(outcome.error->why)));
        return 0;
    }
    const auto did = outcome.effects == 0
                         ? std::string("nothing was changed")
                         : fmt::format("{} of this run happened and stay{}",
                                       counted(static_cast<std::uint64_t>(outcome.effects), "effect"),
                                       outcome.effects == 1 ? "s" : "");
    auto error = *outcome.error;
    if (error.what.empty()) {
        error.what = "finish " + run.runbook;
        error.on = "run " + run.id;
    }
    if (error.fix.empty())
        error.fix = outcome.effects == 0
                        ? fmt::format("respawn runs show {}", run.id)
                        : fmt::format("look: respawn runs show {0} (it has every row as it was "
                                      "before); then go on: respawn resume {0}",
                                      run.id);
    tell(error_text(error, fmt::format("{}; run {} is {}", did, run.id, journal::name_of(run.state))));
    const auto code = run::exit_code(error.kind);
    return error.kind == Kind::moved && outcome.effects > 0 ? 5 : code;
}

} // namespace respawn::cli
