#include "testkit/world_runs.h"

#include "base/text.h"
#include "run/recorded.h"
#include "testkit/simulated_time.h"
#include "testkit/trace.h"

#include <fmt/format.h>
#include <optional>

namespace respawn::testkit {

namespace {

// A moment that a person reading a failed test needs: one line of a run.
std::string line_of(std::string_view phase, std::string_view text) {
    return fmt::format("{:<9} {}", phase, printable(text));
}

// "players {id=42}: galleons 7 → 50, note null → 'rich'": the columns that are other ones.
std::string change_text(const database::RowChange& row) {
    const auto name = fmt::format("{} {}", row.table, to_text(row.key));
    if (row.before.empty())
        return fmt::format("{} is new: {}", name, to_text(row.after));
    if (row.after.empty())
        return fmt::format("{} is gone: {}", name, to_text(row.before));
    std::vector<std::string> changes;
    for (const auto& [column, after] : row.after)
        if (const auto before = row.before.find(column);
            before == row.before.end() || !(before->second == after))
            changes.push_back(fmt::format(
                "{} {} → {}", column, before == row.before.end() ? "nothing" : to_text(before->second),
                to_text(after)));
    return fmt::format("{}: {}", name, join(changes, ", "));
}

// A script may compare what it is told, so a symbol is told by its name.
Value without_symbols(const Value& value) {
    if (value.symbol())
        return to_text(value);
    if (const auto* items = value.list()) {
        Value::List told;
        for (const auto& item : *items)
            told.push_back(without_symbols(item));
        return told;
    }
    if (const auto* members = value.map()) {
        Value::Map told;
        for (const auto& [key, member] : *members)
            told.emplace(key, without_symbols(member));
        return told;
    }
    return value;
}

class Recorder final : public run::Listener {
  public:
    void phase(std::string_view name) override {
        end_phase();
        phase_ = name;
    }
    // The phase that runs has come to its end.
    void end_phase() {
        if (!phase_.empty())
            ended_.push_back(phase_);
        phase_.clear();
    }
    const Value::List& ended_phases() const { return ended_; }
    void log(std::string_view text) override {
        log_.push_back(text);
        timeline_.push_back(line_of(phase_, text));
    }
    void done(const run::Step& step, const run::Done& done) override {
        const auto would = run::would_text(step.primitive, step.arguments);
        if (!run::changes_something(step.primitive.effect))
            return;
        timeline_.push_back(
            line_of(step.phase, fmt::format("{}: {} {}", step.primitive.name, would, done.note)));
        for (const auto& row : done.rows)
            timeline_.push_back(line_of("", "  " + change_text(row)));
        effects_.push_back(Value::Map{
            { "phase", step.phase },
            { "name", step.primitive.name },
            { "arguments", without_symbols(step.arguments) },
            { "note", done.note },
            { "rows", without_symbols(database::to_value({ .rows = done.rows }).at("rows")) } });
    }
    Value told(std::string_view state, const std::optional<Error>& error) const {
        Value::Map end{
            { "state", state }, { "log", log_ }, { "effects", effects_ }, { "timeline", timeline_ }
        };
        if (error) {
            end.insert_or_assign("error", error->why);
            end.insert_or_assign("kind", run::to_value(*error).text_at("kind"));
        }
        return end;
    }

  private:
    std::string phase_;
    Value::List log_, effects_, timeline_, ended_;
};

struct Nobody final : run::Listener {
    void phase(std::string_view) override {}
    void log(std::string_view) override {}
    void done(const run::Step&, const run::Done&) override {}
};

// How a run ended that was never begun.
std::string_view state_without_run(Kind kind) {
    switch (kind) {
    case Kind::not_needed:
        return "not_needed";
    case Kind::needs_person:
    case Kind::unknown:
        return "needs_person";
    case Kind::moved:
        return "moved";
    case Kind::leased:
        return "leased";
    case Kind::denied:
        return "denied";
    default:
        return "failed";
    }
}

Value with(Value told, std::string_view key, Value value) {
    told.map()->insert_or_assign(std::string(key), std::move(value));
    return told;
}

Value told_outcome(Recorder& recorder, const Result<run::Outcome>& outcome) {
    if (!outcome.ok())
        return recorder.told(state_without_run(outcome.error().kind), outcome.error());
    const auto& ended = outcome.value();
    if (ended.run.state == journal::RunState::done)
        recorder.end_phase();
    auto told = recorder.told(journal::name_of(ended.run.state), ended.error);
    told.map()->insert_or_assign("run", ended.run.id);
    told.map()->insert_or_assign("runbook", ended.run.runbook);
    told.map()->insert_or_assign("phases", recorder.ended_phases());
    return told;
}

run::Game game_of(const World& world, const Stage& stage, const run::Wraps& wraps) {
    return run::Game(world.config(), stage.present ? at_time(wraps, *stage.present) : wraps);
}

Value perform(const World& world, const Stage& stage, const run::Request& request,
              const run::Wraps& wraps) {
    auto game = game_of(world, stage, wraps);
    run::Engine engine(game, stage.primitives, stage.folders, stage.cancel, *stage.person);
    Recorder shown, recorder;
    const auto planned = engine.plan(request, shown);
    if (!planned.ok())
        return shown.told(state_without_run(planned.error().kind), planned.error());
    if (planned.value().not_needed)
        return shown.told("not_needed", planned.value().ended_at);
    return told_outcome(recorder, engine.perform(request, planned.value().plan, recorder));
}

constexpr std::size_t most_runs = 100; // that a test makes in one world

// The newest run there is; of this runbook, where one is named.
Result<std::optional<journal::RunRecord>> newest_run(const World& world, std::string_view runbook) {
    run::Game game(world.config());
    for (auto& run : TRY(TRY(game.journal())->runs(most_runs)))
        if (runbook.empty() || run.runbook == runbook)
            return std::optional(std::move(run));
    return std::optional<journal::RunRecord>();
}

bool can_go_on(const journal::RunRecord& run) {
    using journal::RunState;
    return run.state == RunState::running || run.state == RunState::parked ||
           run.state == RunState::failed;
}

Value go_on(const World& world, const Stage& stage, const std::string& run, bool beyond_plan,
            const run::Wraps& wraps) {
    auto game = game_of(world, stage, wraps);
    run::Engine engine(game, stage.primitives, stage.folders, stage.cancel, *stage.person);
    Recorder recorder;
    return told_outcome(recorder, engine.resume(run, recorder, beyond_plan));
}

Value interrupted(const Ended& ended) {
    return Value::Map{ { "state", "interrupted" },
                       { "error", "the process was killed " + ended.boundary },
                       { "log", Value::List{} },
                       { "effects", Value::List{} },
                       { "timeline", Value::List{ line_of("killed", ended.boundary) } } };
}

Result<Value> show_dry_run(const World& world, const Stage& stage, const run::Request& request) {
    auto game = game_of(world, stage, {});
    run::Engine engine(game, stage.primitives, stage.folders, stage.cancel, *stage.person);
    Recorder recorder;
    const auto planned = engine.plan(request, recorder);
    if (!planned.ok())
        return recorder.told(state_without_run(planned.error().kind), planned.error());
    const auto& seen = planned.value();
    return with(recorder.told(seen.not_needed ? "not_needed" : "planned", seen.ended_at), "plan",
                seen.not_needed ? Value() : Value(seen.plan.hash));
}

Result<Value> show_rehearsal(const World& world, const Stage& stage, const run::Request& request,
                             const run::Rehearsing& how) {
    run::Game game(world.config());
    run::Engine engine(game, stage.primitives, stage.folders, stage.cancel, *stage.person);
    Recorder recorder;
    const auto done = engine.rehearse(request, how, recorder);
    if (!done.ok())
        return recorder.told(state_without_run(done.error().kind), done.error());
    const auto& error = done.value().error;
    const auto state = error ? state_without_run(error->kind) : "passed";
    return with(with(recorder.told(state, error), "rehearsal", done.value().record.id), "backup",
                done.value().record.backup);
}

} // namespace

Result<Value> dry_run(const World& world, const Stage& stage, const run::Request& request) {
    const auto before = TRY(trace_of(world));
    auto told = TRY(show_dry_run(world, stage, request));
    TRY(must_be_untouched(world, before, "a dry run of " + request.runbook));
    return told;
}

Result<Value> rehearse(const World& world, const Stage& stage, const run::Request& request,
                       const run::Rehearsing& how) {
    const auto before = TRY(trace_of(world));
    auto told = TRY(show_rehearsal(world, stage, request, how));
    TRY(must_be_untouched(world, before, "a rehearsal of " + request.runbook));
    return told;
}

Result<Value> live_run(World& world, const Stage& stage, const run::Request& request) {
    const auto cut = world.take_cut();
    if (!cut.any())
        return perform(world, stage, request, {});
    const auto ended = TRY(
        in_child(cut, [&](const run::Wraps& wraps) { return perform(world, stage, request, wraps); }));
    return ended.killed ? interrupted(ended) : ended.answer;
}

Result<Value> resume(World& world, const Stage& stage, bool beyond_plan) {
    const auto run = TRY(newest_run(world, {}));
    if (!run || !can_go_on(*run))
        return Error{ .kind = Kind::script, .why = "this world has no run to resume" };
    return go_on(world, stage, run->id, beyond_plan, {});
}

Result<Ended> attempt(const World& world, const Stage& stage, const run::Request& request,
                      const Cut& cut) {
    const auto run = TRY(newest_run(world, request.runbook));
    if (run && !can_go_on(*run))
        return Ended{ .answer = Recorder().told(journal::name_of(run->state), {}) };
    return in_child(cut, [&](const run::Wraps& wraps) {
        return run ? go_on(world, stage, run->id, false, wraps) : perform(world, stage, request, wraps);
    });
}

} // namespace respawn::testkit
