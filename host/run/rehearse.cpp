#include "run/rehearse.h"

#include "base/id.h"
#include "base/text.h"
#include "run/conversation.h"
#include "run/engine.h"
#include "run/plan.h"
#include "run/recorded.h"
#include "run/rules.h"

#include <fmt/format.h>
#include <limits>

namespace respawn::run {

namespace {

// Nobody else writes to a copy: no run is fenced off there.
constexpr std::int64_t above_all_tokens = std::numeric_limits<std::int64_t>::max();

// Of which there are no copies.
bool reads_live(Capability capability) {
    return capability == Capability::chain || capability == Capability::http ||
           capability == Capability::service;
}

// What a live run needs besides the time to make the copies, which it does not need.
Result<void> must_be_in_time(const journal::RehearsalRecord& rehearsal,
                             const std::optional<Duration>& rto) {
    const auto ran = rehearsal.took - rehearsal.restore_took;
    if (!rto || ran <= *rto)
        return {};
    return Error{ .kind = Kind::failed_check,
                  .why = fmt::format("it took {} without making the copies, and the runbook promises "
                                     "{} (rto)",
                                     human_duration(ran), human_duration(*rto)) };
}

} // namespace

// Without a copy nothing can be told, also where the script catches the error and goes on.
Result<Done> RehearseMode::perform(const Step& step) {
    TRY(cancel_.check());
    auto done = act(step);
    if (!done.ok() && stage_.failure())
        done.error().kind = Kind::internal;
    return done;
}

Result<Done> RehearseMode::act(const Step& step) {
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
        return record(step);
    }
    return Error{ .kind = Kind::internal, .why = "no such effect" };
}

Result<database::Reader*> RehearseMode::reader(std::string_view component) {
    return static_cast<database::Reader*>(TRY(game_.database(component)));
}

Result<std::vector<std::string>> RehearseMode::faults(std::string_view component) {
    return TRY(game_.component(component))->find_faults(game_.work(component, cancel_));
}

Result<Done> RehearseMode::read(const Step& step) {
    TRY(must_be_known(step));
    if (reads_live(step.primitive.capability))
        read_live_.emplace(name_of(step.primitive.capability));
    auto value = step.primitive.run(call_of(step));
    if (!value.ok() && value.error().kind == Kind::not_needed && stage_.goes_on(value.error().why))
        value = Value(nullptr);
    return Done{ .value = TRY(std::move(value)), .rows = {}, .note = {} };
}

Result<Done> RehearseMode::ask(const Step& step) {
    TRY(must_be_known(step));
    const auto answer = TRY(answers_.to(step));
    effects_.push_back(planned_answer(step, answer));
    return Done{ .value = answer, .rows = {}, .note = {} };
}

Result<Done> RehearseMode::write(const Step& step) {
    TRY(must_be_known(step));
    const auto write = TRY(step.primitive.write(call_of(step)));
    auto* database = TRY(game_.database(step.component));
    const database::Marker marker{ rehearsal_, step.position, "/", above_all_tokens };
    auto written = TRY(database->write(write, marker, {}));
    effects_.push_back(planned_effect(step, &write, written.rows));
    return Done{ .value = Value::Map{ { "rows", static_cast<std::int64_t>(written.rows.size()) } },
                 .rows = std::move(written.rows),
                 .note = {} };
}

Result<Done> RehearseMode::restore(const Step& step) {
    TRY(must_be_known(step));
    const auto wanted = TRY(step.primitive.restore(call_of(step)));
    const auto* live = game_.config().component(wanted.component);
    auto* vault = TRY(game_.vault());
    const auto snapshot = TRY(
        vault::find_snapshot(TRY(vault->snapshots()), wanted.snapshot, { wanted.component }, now()));
    TRY(must_hold_rules(*vault, snapshot, game_.config(), wanted.component, wanted.allow_violations,
                        cancel_));
    if (!live)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("there is no component '{}' in the configuration",
                                         printable(wanted.component)) };
    const auto report = TRY(stage_.replace(*live, snapshot));
    effects_.push_back(planned_effect(step, nullptr, {}));
    return Done{ .value = Value::Map{ { "bytes", static_cast<std::int64_t>(report.size_bytes) },
                                      { "snapshot", snapshot.id } },
                 .rows = {},
                 .note =
                     fmt::format("done in the copy's place: {} in {}", human_size(report.size_bytes),
                                 human_duration(Duration(report.duration))) };
}

Result<Done> RehearseMode::record(const Step& step) {
    effects_.push_back(planned_effect(step, nullptr, {}));
    Done done{ .value = Symbol{ fmt::format("what {} gives", step.primitive.name) },
               .rows = {},
               .note = "recorded, not done" };
    if (step.primitive.recorded)
        done.value = TRY(step.primitive.recorded(call_of(step)));
    return done;
}

// ---- a whole one ----

Result<Rehearsed> Engine::rehearse(const Request& request, const Rehearsing& how, Listener& listener) {
    const auto runbook = TRY(describe(request.runbook));
    const auto parameters = TRY(read_parameters(runbook.description, request.parameters));
    auto* journal = TRY(game_.journal());
    const auto began = now();
    Rehearsed done{ .record = { .id = make_ulid(began),
                                .runbook = runbook.source.name,
                                .version = runbook.description.version,
                                .sources = sources_hash(sources_value(runbook.source.modules)),
                                .parameters = parameters,
                                .backup = {},
                                .operator_name = request.operator_name,
                                .began = began },
                    .error = {},
                    .rto = runbook.description.rto,
                    .read_live = {} };
    TRY(rehearse_on_stage(runbook, how, listener, done));
    TRY(journal->save_rehearsal(done.record));
    return done;
}

Result<void> Engine::rehearse_on_stage(const Runbook& runbook, const Rehearsing& how,
                                       Listener& listener, Rehearsed& done) {
    auto& record = done.record;
    const auto stage = TRY(
        RehearsalStage::set(game_, how, cancel_, [&](const std::string& line) { listener.log(line); }));
    RehearseMode mode(game_, *stage, record.id, Answers({}, person_), cancel_);
    Gate gate(primitives_, runbook.description, game_, mode, listener);
    auto worker = TRY(start(runbook, record.parameters));
    auto ended = Conversation(worker, gate, listener, cancel_).hold();
    if (stage->failure())
        ended = *stage->failure();
    if (!ended.ok() && ended.error().kind == Kind::cancelled)
        return ended;
    record.took = now() - record.began;
    record.restore_took = stage->restoring();
    record.backup = stage->backup();
    record.effects = mode.effects();
    done.read_live.assign(mode.read_live().begin(), mode.read_live().end());
    if (ended.ok())
        ended = must_be_in_time(record, done.rto);
    record.passed = ended.ok();
    if (!ended.ok())
        done.error = ended.error();
    record.error = done.error ? to_value(*done.error) : Value();
    return {};
}

} // namespace respawn::run
