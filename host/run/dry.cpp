#include "run/dry.h"

#include "base/text.h"
#include "run/plan.h"
#include "run/recorded.h"
#include "run/rules.h"

#include <fmt/format.h>

namespace respawn::run {

Result<Done> DryMode::perform(const Step& step) {
    const auto* recorded = recorded_at(recorded_, step.position);
    if (recorded)
        TRY(must_be_recorded(step, *recorded));
    if (recorded && !is_made_again(step, *recorded))
        return told(step, *recorded);
    switch (step.primitive.effect) {
    case Effect::reads:
        return read(step);
    case Effect::asks:
        return ask(step);
    case Effect::writes_rows:
        return write(step);
    case Effect::restores:
        return restore(step);
    case Effect::changes:
        return describe(step);
    }
    return Error{ .kind = Kind::internal, .why = "no such effect" };
}

// By a live run: a question, whose answers are known, and what failed last.
bool DryMode::is_made_again(const Step& step, const journal::CallRecord& recorded) const {
    return step.primitive.effect == Effect::asks || (recorded.state == journal::CallState::failed &&
                                                     recorded.position == recorded_.back().position);
}

// A step that the run has behind it.
Result<Done> DryMode::told(const Step& step, const journal::CallRecord& recorded) {
    if (changes_something(step.primitive.effect))
        effects_.push_back(Symbol{ "done before" });
    if (recorded.state == journal::CallState::done)
        return done_from(recorded.result);
    if (recorded.state == journal::CallState::maybe)
        return Done{ .value = nullptr, .rows = {}, .note = "maybe sent before" };
    if (recorded.state == journal::CallState::failed)
        return error_from(recorded.result);
    return Error{ .kind = Kind::unknown,
                  .why = fmt::format("step {} ({}) is {}; a live run settles it first", step.position,
                                     step.primitive.name, journal::name_of(recorded.state)) };
}

Result<Done> DryMode::ask(const Step& step) {
    TRY(must_be_known(step));
    const auto answer = TRY(answers_.to(step));
    effects_.push_back(planned_answer(step, answer));
    return Done{ .value = answer, .rows = {}, .note = {} };
}

Result<io::Path> DryMode::scratch() {
    if (!scratch_)
        scratch_ =
            std::make_unique<io::TemporaryFolder>(TRY(io::TemporaryFolder::make(TRY(game_.scratch()))));
    return scratch_->path();
}

// Facts that cannot be told (two endpoints that differ) are for a person. Left as they are they would
// look like something that only a live run knows, and the plan would end there as if all were well.
Result<Done> DryMode::read(const Step& step) {
    TRY(must_be_known(step));
    auto value = step.primitive.run(Call(step.arguments, game_, *this, {}));
    if (!value.ok() && value.error().kind == Kind::unknown)
        value.error().kind = Kind::needs_person;
    return Done{ .value = TRY(std::move(value)), .rows = {}, .note = {} };
}

Result<database::Trial*> DryMode::trial(const std::string& component) {
    auto& trial = trials_[component];
    if (!trial)
        trial = TRY(TRY(game_.database(component))->begin_trial(TRY(scratch())));
    return trial.get();
}

Result<database::Reader*> DryMode::reader(std::string_view component) {
    if (const auto found = trials_.find(component); found != trials_.end() && found->second)
        return static_cast<database::Reader*>(found->second.get());
    return static_cast<database::Reader*>(TRY(game_.database(component)));
}

Result<std::vector<std::string>> DryMode::faults(std::string_view component) {
    if (restored_.contains(component))
        return std::vector<std::string>();
    return TRY(game_.component(component))->find_faults(game_.work(component, cancel_));
}

Result<Done> DryMode::write(const Step& step) {
    TRY(must_be_known(step));
    const auto write = TRY(step.primitive.write(Call(step.arguments, game_, *this, {})));
    const bool fresh = !trials_.contains(step.component);
    auto* copy = TRY(trial(step.component));
    const auto written = TRY(copy->write(write));
    effects_.push_back(planned_effect(step, &write, written.rows));
    const auto shown = TRY(database::written_from(effects_.back()));
    const auto note = fresh ? "tried " + copy->place() : std::string();
    return Done{ .value = Value::Map{ { "rows", static_cast<std::int64_t>(written.rows.size()) } },
                 .rows = shown.rows,
                 .note = note };
}

Result<Done> DryMode::restore(const Step& step) {
    TRY(must_be_known(step));
    const auto wanted = TRY(step.primitive.restore(Call(step.arguments, game_, *this, {})));
    auto* vault = TRY(game_.vault());
    const auto snapshot = TRY(
        vault::find_snapshot(TRY(vault->snapshots()), wanted.snapshot, { wanted.component }, now()));
    TRY(must_hold_rules(*vault, snapshot, game_.config(), wanted.component, wanted.allow_violations,
                        cancel_));
    const auto* record = snapshot.component(wanted.component);
    const auto place = TRY(scratch()) / fmt::format("restored-{}-{}", wanted.component, step.position);
    auto* component = TRY(game_.component(wanted.component));
    const auto report =
        TRY(component->restore_to(*vault, *record, place, game_.work(wanted.component, cancel_)));
    if (database::is_database(component->settings()))
        trials_[wanted.component] = TRY(database::open_private_copy(component->settings(), place));
    restored_.insert(wanted.component);
    effects_.push_back(planned_effect(step, nullptr, {}));
    return Done{ .value = Value::Map{ { "bytes", static_cast<std::int64_t>(report.size_bytes) },
                                      { "snapshot", snapshot.id } },
                 .rows = {},
                 .note =
                     fmt::format("restored into a private copy of {}", human_size(report.size_bytes)) };
}

Result<Done> DryMode::describe(const Step& step) {
    std::string facts;
    if (step.primitive.facts) {
        TRY(must_be_known(step));
        facts = TRY(step.primitive.facts(Call(step.arguments, game_, *this, {})));
    }
    effects_.push_back(planned_effect(step, nullptr, {}));
    return Done{ .value = Symbol{ fmt::format("what {} gives", step.primitive.name) },
                 .rows = {},
                 .note = std::move(facts) };
}

} // namespace respawn::run
