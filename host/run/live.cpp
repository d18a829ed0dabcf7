#include "run/live.h"

#include "base/text.h"
#include "run/plan.h"
#include "run/recorded.h"
#include "run/rules.h"

#include <fmt/format.h>

namespace respawn::run {

using journal::CallRecord;
using journal::CallState;
using journal::Policy;

namespace {

Done done_with(const database::Written& written) {
    return { .value = Value::Map{ { "rows", static_cast<std::int64_t>(written.rows.size()) } },
             .rows = written.rows,
             .note = {} };
}

Error parked(const Step& step, const std::string& run, std::string_view why) {
    return Error{ .kind = Kind::needs_person,
                  .why = fmt::format("nobody knows whether step {} ({}) happened: {}", step.position,
                                     step.primitive.name, why),
                  .fix = fmt::format(
                      "find out, then: respawn resume {} --step {} --done, or --redo, or --abort", run,
                      step.position) };
}

// A journal that cannot write ends the run at once, whatever the script would make of the error. One
// that another process has taken the run from says so.
Result<void> kept(Result<void> written) {
    if (!written.ok() && written.error().kind != Kind::leased)
        written.error().kind = Kind::internal;
    return written;
}

} // namespace

LiveMode::LiveMode(Game& game, journal::Journal& journal, const journal::RunRecord& run,
                   std::vector<CallRecord> recorded, std::optional<Value> planned, Answers answers,
                   const Cancellation& cancel)
    : game_(game), journal_(journal), run_(run), recorded_(std::move(recorded)),
      planned_(std::move(planned)), answers_(std::move(answers)), cancel_(cancel) {}

Result<database::Reader*> LiveMode::reader(std::string_view component) {
    return static_cast<database::Reader*>(TRY(game_.database(component)));
}

Result<std::vector<std::string>> LiveMode::faults(std::string_view component) {
    return TRY(game_.component(component))->find_faults(game_.work(component, cancel_));
}

Result<void> LiveMode::enter(std::string_view phase) { return journal_.set_phase(run_.id, phase); }

Result<Done> LiveMode::perform(const Step& step) {
    TRY(cancel_.check());
    const auto* recorded = recorded_at(recorded_, step.position);
    if (recorded)
        TRY(must_be_recorded(step, *recorded));
    if (!changes_something(step.primitive.effect))
        return read(step, recorded);
    return recorded ? replay(step, *recorded) : begin_and_do(step);
}

CallRecord LiveMode::record_of(const Step& step, CallState state, const Value& result) const {
    return { .position = step.position,
             .phase = step.phase,
             .name = std::string(step.primitive.name),
             .component = step.component,
             .where = step.where,
             .argument_hash = step.argument_hash,
             .arguments = step.arguments,
             .policy = step.primitive.policy,
             .state = state,
             .token = run_.token,
             .result = result,
             .begun = now(),
             .settled = state == CallState::intent ? Moment{} : now() };
}

Result<Done> LiveMode::read(const Step& step, const CallRecord* recorded) {
    if (step.primitive.effect == Effect::asks)
        return noted(step, answer(step)); // also in a replay: each answer has its question
    if (!recorded)
        return noted(step, step.primitive.run(call_of(step)));
    if (recorded->state == CallState::done)
        return done_from(recorded->result);
    const bool is_last = recorded->position == recorded_.back().position;
    return is_last ? noted(step, step.primitive.run(call_of(step))) : error_from(recorded->result);
}

Result<Value> LiveMode::answer(const Step& step) {
    auto given = answers_.to(step);
    if (given.ok())
        return Value(std::move(given).value());
    auto missing = std::move(given).error();
    if (missing.kind == Kind::unknown) {
        missing.kind = Kind::needs_person;
        missing.fix = fmt::format("respawn answer {} CHOICE", run_.id);
    }
    return missing;
}

// A result that the journal keeps; whether it was a failure, too.
Result<Done> LiveMode::noted(const Step& step, Result<Value> value) {
    const bool ok = value.ok();
    TRY(kept(journal_.note(run_.id, record_of(step, ok ? CallState::done : CallState::failed,
                                              ok ? Value(Value::Map{ { "value", value.value() } })
                                                 : to_value(value.error())))));
    return Done{ .value = TRY(std::move(value)), .rows = {}, .note = {} };
}

Result<Done> LiveMode::replay(const Step& step, const CallRecord& recorded) {
    switch (recorded.state) {
    case CallState::done:
        effects_ += 1;
        return done_from(recorded.result);
    case CallState::maybe:
        effects_ += 1;
        return Done{ .value = nullptr, .rows = {}, .note = "maybe sent before the interruption" };
    case CallState::failed: {
        const bool is_last = recorded.position == recorded_.back().position;
        return is_last ? begin_and_do(step) : error_from(recorded.result);
    }
    case CallState::parked:
        return parked(step, run_.id, recorded.result.text_at("why", "it was interrupted"));
    case CallState::intent:
        return settle_open(step);
    }
    return Error{ .kind = Kind::internal, .why = "no such state of a call" };
}

Result<Done> LiveMode::settle_open(const Step& step) {
    switch (step.primitive.policy) {
    case Policy::repeat:
        return begin_and_do(step);
    case Policy::let_go:
        TRY(kept(journal_.settle(run_.id, step.position, CallState::maybe, nullptr)));
        effects_ += 1;
        return Done{ .value = nullptr, .rows = {}, .note = "maybe sent before the interruption" };
    case Policy::probe:
        break;
    default: {
        const std::string why = "it was interrupted, and it cannot be asked";
        TRY(kept(
            journal_.settle(run_.id, step.position, CallState::parked, Value::Map{ { "why", why } })));
        return parked(step, run_.id, why);
    }
    }
    const auto settled = TRY(probe(step));
    if (settled.answer == Settled::Answer::did_not)
        return begin_and_do(step);
    if (settled.answer == Settled::Answer::unknown) {
        TRY(kept(journal_.settle(run_.id, step.position, CallState::parked,
                                 Value::Map{ { "why", settled.why } })));
        return parked(step, run_.id, settled.why);
    }
    TRY(kept(journal_.settle(run_.id, step.position, CallState::done, settled.result)));
    effects_ += 1;
    auto done = TRY(done_from(settled.result));
    done.note = "had happened before the interruption";
    return done;
}

Result<Settled> LiveMode::probe(const Step& step) {
    if (step.primitive.effect == Effect::restores)
        return probe_restore(step);
    if (step.primitive.effect == Effect::changes) {
        auto settled = TRY(step.primitive.probe(call_of(step)));
        settled.result = Value::Map{ { "value", settled.result } };
        return settled;
    }
    auto* database = TRY(game_.database(step.component));
    TRY(note_marker(step.component));
    const auto written = TRY(database->find_written(run_.id, step.position));
    if (!written)
        return Settled{ .answer = Settled::Answer::did_not, .result = {}, .why = {} };
    return Settled{ .answer = Settled::Answer::happened,
                    .result = result_of(done_with(*written)),
                    .why = {} };
}

// A restore under way left a record beside it; one that was completed is recognised by the data being
// the snapshot's.
Result<Settled> LiveMode::probe_restore(const Step& step) {
    const auto wanted = TRY(step.primitive.restore(call_of(step)));
    auto* component = TRY(game_.component(wanted.component));
    const auto work = game_.work(wanted.component, cancel_);
    TRY(component->finish_restore(work));
    auto* vault = TRY(game_.vault());
    const auto snapshot = TRY(
        vault::find_snapshot(TRY(vault->snapshots()), wanted.snapshot, { wanted.component }, now()));
    const auto* record = snapshot.component(wanted.component);
    if (!TRY(component->matches(*vault, *record, work))) {
        if (!TRY(component->find_faults(work)).empty())
            return Settled{ .answer = Settled::Answer::did_not, .result = {}, .why = {} };
        return Settled{ .answer = Settled::Answer::unknown,
                        .result = {},
                        .why = fmt::format("{} is sound, but is not what snapshot {} holds",
                                           wanted.component, snapshot.id) };
    }
    TRY(accept_restored(*component));
    return Settled{ .answer = Settled::Answer::happened,
                    .result = Value::Map{ { "value", Value::Map{ { "bytes", static_cast<std::int64_t>(
                                                                                record->size_bytes) },
                                                                 { "snapshot", snapshot.id } } } },
                    .why = {} };
}

Result<Done> LiveMode::begin_and_do(const Step& step) {
    TRY(must_be_planned(step, planned_effect(step, nullptr, {}), false));
    TRY(kept(journal_.begin(run_.id, record_of(step, CallState::intent, nullptr))));
    return conclude(step, carry_out(step));
}

Result<Done> LiveMode::carry_out(const Step& step) {
    if (step.primitive.effect == Effect::writes_rows)
        return write(step); // the fence in the database looks at our token, in the same transaction
    // Outside of databases nobody asks for a token: it begins only while the run is ours for longer
    // than it may take until it acts.
    TRY(kept(journal_.must_hold(run_.id)));
    if (step.primitive.effect == Effect::restores)
        return restore(step);
    return Done{ .value = TRY(step.primitive.run(call_of(step))), .rows = {}, .note = {} };
}

// The result becomes durable, whichever it is. A message that could not be sent does not stop a repair.
Result<Done> LiveMode::conclude(const Step& step, Result<Done> done) {
    if (done.ok()) {
        effects_ += 1;
        TRY(kept(journal_.settle(run_.id, step.position, CallState::done, result_of(done.value()))));
        return done;
    }
    const auto error = std::move(done).error();
    if (error.kind == Kind::unknown) {
        TRY(kept(journal_.settle(run_.id, step.position, CallState::parked, to_value(error))));
        effects_ += 1;
        return parked(step, run_.id, error.why);
    }
    if (step.primitive.policy == Policy::let_go) {
        TRY(kept(journal_.settle(run_.id, step.position, CallState::maybe, to_value(error))));
        effects_ += 1; // it has its place in the plan
        return Done{ .value = nullptr, .rows = {}, .note = fmt::format("NOT SENT: {}", error.why) };
    }
    TRY(kept(journal_.settle(run_.id, step.position, CallState::failed, to_value(error))));
    return error;
}

// Between our look and our note another run may have written, and noted a higher marker: only a
// database that still shows less has gone back.
Result<void> LiveMode::note_marker(const std::string& component) {
    auto* database = TRY(game_.database(component));
    auto noted = journal_.note_marker(component, TRY(database->marker_state()));
    if (!noted.ok() && noted.error().kind == Kind::moved)
        noted = journal_.note_marker(component, TRY(database->marker_state()));
    return noted;
}

Result<Done> LiveMode::write(const Step& step) {
    const auto write = TRY(step.primitive.write(call_of(step)));
    auto* database = TRY(game_.database(step.component));
    TRY(note_marker(step.component));
    const database::Marker marker{ run_.id, step.position, run_.target, run_.token };
    const auto as_planned = [&](const database::Written& written) {
        return must_be_planned(step, planned_effect(step, &write, written.rows), true);
    };
    const auto written = TRY(database->write(write, marker, as_planned));
    TRY(note_marker(step.component));
    return done_with(written);
}

// The database has gone back, and that is right: its lower marker is no sign of a loss.
Result<void> LiveMode::accept_restored(const component::Component& component) {
    const auto& settings = component.settings();
    game_.forget_database(settings.name);
    if (!database::is_database(settings))
        return {};
    return journal_.accept_marker(settings.name,
                                  TRY(TRY(game_.database(settings.name))->marker_state()));
}

Result<Done> LiveMode::restore(const Step& step) {
    const auto wanted = TRY(step.primitive.restore(call_of(step)));
    auto* vault = TRY(game_.vault());
    const auto snapshot = TRY(
        vault::find_snapshot(TRY(vault->snapshots()), wanted.snapshot, { wanted.component }, now()));
    TRY(must_hold_rules(*vault, snapshot, game_.config(), wanted.component, wanted.allow_violations,
                        cancel_));
    auto* component = TRY(game_.component(wanted.component));
    const auto report = TRY(component->restore_live(*vault, *snapshot.component(wanted.component),
                                                    game_.work(wanted.component, cancel_)));
    TRY(accept_restored(*component));
    Done done{ .value = Value::Map{ { "bytes", static_cast<std::int64_t>(report.size_bytes) },
                                    { "snapshot", snapshot.id } },
               .rows = {},
               .note = {} };
    for (const auto& kept : report.kept_aside)
        done.note += (done.note.empty() ? "the old data is kept in " : ", ") + printable(kept.string());
    return done;
}

// `effect` is without rows before a write, and with them before its commit: what was shown, or nothing.
Result<void> LiveMode::must_be_planned(const Step& step, const Value& effect, bool with_rows) {
    if (!planned_)
        return {};
    const auto& shown = *planned_->list();
    const auto index = static_cast<std::size_t>(effects_);
    const Value next = index < shown.size() ? shown[index] : Value();
    if (next.is_null() || next.text_at("name") == "ends")
        return Error{ .kind = Kind::needs_person,
                      .why = fmt::format("the plan that was agreed to ends before this: {}",
                                         would_text(step.primitive, step.arguments)),
                      .fix = fmt::format("see the rest of it, and go on: respawn resume {} --dry-run",
                                         run_.id) };
    auto expected = *next.map();
    auto actual = *effect.map();
    if (!with_rows)
        expected["rows"] = actual["rows"];
    if (agrees(expected, actual))
        return {};
    return Error{ .kind = Kind::moved,
                  .why = fmt::format(
                      "step {} is no longer what was shown\n{}", step.position,
                      join(differences(Value::List{ expected }, Value::List{ actual }), "\n")),
                  .fix = "nothing of this step was done: make a new plan with --dry-run" };
}

} // namespace respawn::run
