#include "run/engine.h"

#include "base/bytes.h"
#include "base/id.h"
#include "base/text.h"
#include "run/consent.h"
#include "run/conversation.h"
#include "run/plan.h"
#include "run/recorded.h"
#include "run/services_left.h"
#include "run/worker.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::run {

using journal::RunState;

namespace {

constexpr Duration longest_description = std::chrono::seconds(5);

struct Nobody final : Listener {
    void phase(std::string_view) override {}
    void log(std::string_view) override {}
    void done(const Step&, const Done&) override {}
};

// "/duel:7/" for "duel:{duel}"; "/" without a target. Everything nests in "/".
std::string target_path(const Description& runbook, const Value& parameters) {
    return runbook.target.empty() ? "/" : "/" + target_of(runbook, parameters) + "/";
}

RunState state_after(const Error& error, std::int64_t effects) {
    switch (error.kind) {
    case Kind::not_needed:
        return RunState::not_needed;
    case Kind::needs_person:
    case Kind::unknown:
        return RunState::parked;
    case Kind::moved:
        return effects > 0 ? RunState::parked : RunState::failed;
    default:
        return RunState::failed;
    }
}

Error moved_since(const journal::PlanRecord& agreed, const Planned& again) {
    auto lines = differences(agreed.effects, again.plan.effects);
    if (agreed.sources != again.plan.sources)
        lines.insert(lines.begin(), "the runbook's source is not the one that was shown");
    return Error{ .kind = Kind::moved,
                  .why = fmt::format("the facts moved since plan {} was shown; nothing was done\n{}",
                                     agreed.hash.substr(0, 6), join(lines, "\n")),
                  .fix = "look at the new plan: the same command with --dry-run" };
}

// What the journal kept of a runbook: an edit or a removed file strands nothing.
Result<Runbook> recorded_runbook(const journal::RunRecord& run, const journal::Sources& sources) {
    const auto slash = run.runbook.rfind('/');
    Runbook runbook{ .source = { .name = run.runbook,
                                 .main = run.runbook.substr(slash == std::string::npos ? 0 : slash + 1),
                                 .modules = sources } };
    runbook.description = TRY(read_description(run.description, runbook.source));
    return runbook;
}

// A run that is done is not spoiled by not finding this.
std::optional<Beside> beside_of(journal::Journal& journal, const journal::RunRecord& run) {
    auto beside = find_beside(journal, run);
    return beside.ok() ? std::move(beside).value() : std::nullopt;
}

Value with_services(const Error& error, const std::vector<std::string>& lines) {
    auto value = to_value(error);
    if (!lines.empty())
        value.map()->insert_or_assign("services", Value::List(lines.begin(), lines.end()));
    return value;
}

// Reads behind the last effect are made afresh: nothing was done on their strength, and a verify that
// failed looks at what a person has put right since.
std::vector<journal::CallRecord> without_late_reads(std::vector<journal::CallRecord> calls) {
    while (!calls.empty() && calls.back().policy == journal::Policy::none)
        calls.pop_back();
    return calls;
}

} // namespace

Result<Runbook> Engine::describe(const std::string& runbook) {
    // Telling what it is takes a runbook no time; its own deadline is not known yet.
    WorkerLimits limits;
    limits.deadline = longest_description;
    return run::describe(TRY(find_runbook(runbook, folders_)), folders_, stubs_of(primitives_), limits,
                         cancel_);
}

// A worker that runs what was described, or what the journal kept.
Result<Worker> Engine::start(const Runbook& runbook, const Value& parameters) {
    auto message = task_message("run", runbook.source, stubs_of(primitives_));
    message.emplace("parameters", parameters);
    message.emplace("description", runbook.description.table);
    WorkerLimits limits;
    limits.deadline = runbook.description.deadline.value_or(limits.deadline);
    return Worker::start(std::move(message), limits, cancel_);
}

Result<Planned> Engine::plan(const Request& request, Listener& listener) {
    auto planned = TRY(make_plan(request, Answers({}, person_), listener));
    if (planned.not_needed)
        return planned;
    auto* journal = TRY(game_.journal());
    TRY(journal->save_plan(planned.plan));
    planned.rehearsed = TRY(find_beside(*journal, planned.plan));
    return planned;
}

Result<Planned> Engine::make_plan(const Request& request, Answers answers, Listener& listener) {
    const auto runbook = TRY(describe(request.runbook));
    const auto parameters = TRY(read_parameters(runbook.description, request.parameters));
    DryMode mode(game_, std::move(answers), {}, cancel_);
    auto planned = TRY(show(runbook, parameters, mode, listener));
    planned.plan.runbook = request.runbook;
    planned.plan.operator_name = request.operator_name;
    planned.plan.hash = plan_hash(planned.plan);
    return planned;
}

Result<Planned> Engine::show(const Runbook& runbook, const Value& parameters, DryMode& mode,
                             Listener& listener) {
    Gate gate(primitives_, runbook.description, game_, mode, listener);
    auto worker = TRY(start(runbook, parameters));
    const auto ended = Conversation(worker, gate, listener, cancel_).hold();
    Planned planned{ .plan = { .hash = {},
                               .runbook = runbook.source.name,
                               .version = runbook.description.version,
                               .operator_name = {},
                               .parameters = parameters,
                               .sources = sources_value(runbook.source.modules),
                               .effects = mode.effects(),
                               .made = now(),
                               .used_by = {} },
                     .title = fmt::format("{} {}", runbook.source.name, runbook.description.version),
                     .runbook = runbook,
                     .not_needed = false,
                     .ended_at = {} };
    if (!ended.ok() && ended.error().kind == Kind::not_needed) {
        planned.not_needed = true;
        planned.ended_at = ended.error();
        return planned;
    }
    if (!ended.ok() && ended.error().kind != Kind::unknown)
        return ended.error();
    if (!ended.ok()) {
        planned.ended_at = ended.error();
        planned.plan.effects.list()->push_back(
            Value(Value::Map{ { "name", "ends" }, { "why", ended.error().why } }));
    }
    return planned;
}

Result<Outcome> Engine::perform(const Request& request, const journal::PlanRecord& agreed,
                                Listener& listener) {
    Nobody nothing;
    // Not kept: showing a plan to a person makes it fresh, and this one nobody is shown.
    const auto again = TRY(make_plan(request, Answers(answers_in(agreed.effects), nobody()), nothing));
    if (again.not_needed || again.plan.hash != agreed.hash)
        return again.not_needed ? *again.ended_at : moved_since(agreed, again);
    auto* journal = TRY(game_.journal());
    const auto& runbook = again.runbook;
    TRY(must_be_rehearsed(runbook.description, request.parameters, agreed, *journal));
    TRY(must_be_agreed(runbook.description, request, agreed, *journal));
    journal::RunRecord run{ .id = make_ulid(now()),
                            .runbook = runbook.source.name,
                            .version = runbook.description.version,
                            .mode = "live",
                            .target = target_path(runbook.description, again.plan.parameters),
                            .operator_name = request.operator_name,
                            .reason = request.reason,
                            .plan = agreed.hash,
                            .parameters = again.plan.parameters,
                            .description = runbook.description.table,
                            .approvals = runbook.description.approvals };
    TRY(journal->start_run(run, runbook.source.modules));
    return carry_out(run, {}, agreed.effects, listener);
}

Result<Outcome> Engine::resume(std::string_view name, Listener& listener, bool beyond_plan) {
    auto* journal = TRY(game_.journal());
    auto run = TRY(journal->run(name));
    if (beyond_plan && run.description.integer_at("approvals") > 0)
        return Error{ .kind = Kind::denied,
                      .why =
                          "what this runbook does needs approval, and nobody has seen what lies beyond "
                          "the plan",
                      .fix = fmt::format("respawn resume {} --dry-run", run.id) };
    return go_on(TRY(journal->take_over(name)), beyond_plan, listener);
}

Result<Planned> Engine::plan_rest(std::string_view name, const std::string& operator_name,
                                  Listener& listener) {
    const auto run = TRY(TRY(game_.journal())->run(name));
    auto planned = TRY(make_rest(run, Answers(TRY(answers_of(run)), person_), listener));
    planned.plan.operator_name = operator_name;
    if (!planned.not_needed)
        TRY(TRY(game_.journal())->save_plan(planned.plan));
    return planned;
}

Result<Planned> Engine::make_rest(const journal::RunRecord& run, Answers answers, Listener& listener) {
    auto* journal = TRY(game_.journal());
    const auto runbook = TRY(recorded_runbook(run, TRY(journal->sources(run.id))));
    DryMode mode(game_, std::move(answers), without_late_reads(TRY(journal->calls(run.id))), cancel_);
    auto planned = TRY(show(runbook, run.parameters, mode, listener));
    planned.plan.hash = plan_hash(planned.plan);
    return planned;
}

Result<Outcome> Engine::resume_as(std::string_view name, const journal::PlanRecord& agreed,
                                  const Request& consent, Listener& listener) {
    auto* journal = TRY(game_.journal());
    auto run = TRY(journal->run(name));
    Nobody nothing;
    const auto again = TRY(make_rest(run, Answers(answers_in(agreed.effects), nobody()), nothing));
    if (again.not_needed || again.plan.hash != agreed.hash)
        return again.not_needed ? *again.ended_at : moved_since(agreed, again);
    TRY(must_be_agreed(again.runbook.description, consent, agreed, *journal));
    run = TRY(journal->take_over(run.id));
    run.plan = agreed.hash;
    run.approvals = again.runbook.description.approvals;
    TRY(journal->adopt_plan(run));
    return go_on(run, false, listener);
}

// Goes on with a run that this process holds.
Result<Outcome> Engine::go_on(const journal::RunRecord& run, bool beyond_plan, Listener& listener) {
    auto* journal = TRY(game_.journal());
    auto calls = without_late_reads(TRY(journal->calls(run.id)));
    TRY(journal->forget_reads(run.id, calls.empty() ? 1 : calls.back().position + 1));
    std::optional<Value> planned;
    if (!run.plan.empty() && !beyond_plan)
        planned = TRY(journal->plan(run.plan)).effects;
    return carry_out(run, std::move(calls), std::move(planned), listener);
}

// Agreed to with the plan, and given since.
Result<KnownAnswers> Engine::answers_of(const journal::RunRecord& run) {
    auto* journal = TRY(game_.journal());
    KnownAnswers known;
    Moment planned;
    if (!run.plan.empty()) {
        const auto plan = TRY(journal->plan(run.plan));
        known = answers_in(plan.effects);
        planned = plan.made;
    }
    for (const auto& answer : TRY(journal->answers(run.id)))
        if (answer.given > planned)
            known[answer.question].push_back(answer.answer);
    return known;
}

Result<Outcome> Engine::carry_out(const journal::RunRecord& run,
                                  std::vector<journal::CallRecord> recorded,
                                  std::optional<Value> planned, Listener& listener) {
    auto* journal = TRY(game_.journal());
    const auto keep = [&](const std::string& question, const std::string& answer) {
        return journal->save_answer(
            run.id,
            { .question = question, .answer = answer, .by = run.operator_name, .given = now() });
    };
    if (planned)
        planned = without_answers(*planned);
    LiveMode mode(game_, *journal, run, std::move(recorded), std::move(planned),
                  Answers(TRY(answers_of(run)), person_, keep), cancel_);
    const auto runbook = TRY(recorded_runbook(run, TRY(journal->sources(run.id))));
    Gate gate(primitives_, runbook.description, game_, mode, listener);
    if (game_.config().services) // what was brought back when the run failed
        TRY(TRY(game_.services())->stop_again(run.id, cancel_));
    auto worker = TRY(start(runbook, run.parameters));
    const auto ended = Conversation(worker, gate, listener, cancel_).hold();
    Outcome outcome{ .run = run, .error = {}, .effects = mode.effects() };
    outcome.run.state = RunState::done;
    if (!ended.ok()) {
        outcome.error = ended.error();
        outcome.run.state = state_after(ended.error(), mode.effects());
    }
    outcome.services =
        services_left(game_, *journal, run.id, outcome.error ? RunEnd::badly : RunEnd::well);
    TRY(journal->set_state(run.id, outcome.run.state,
                           outcome.error ? with_services(*outcome.error, outcome.services) : Value()));
    if (!outcome.error)
        outcome.rehearsed = beside_of(*journal, run);
    return outcome;
}

Result<void> Engine::answer(std::string_view name, const AnswerGiven& given) {
    auto* journal = TRY(game_.journal());
    const auto before = TRY(journal->run(name));
    const auto calls = TRY(journal->calls(before.id));
    const auto* asked = calls.empty() ? nullptr : find(primitives_, calls.back().name);
    if (before.state != RunState::parked || !asked || asked->effect != Effect::asks ||
        calls.back().state != journal::CallState::failed)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("run {} asks nothing", before.id),
                      .fix = fmt::format("respawn runs show {}", before.id) };
    const auto& question = calls.back();
    TRY(must_be_choice(TRY(question_of(*question.arguments.map())), given.choice));
    const auto run = TRY(journal->take_over(before.id)); // nobody works on it meanwhile
    TRY(journal->save_answer(run.id, { .question = question.argument_hash,
                                       .answer = given.choice,
                                       .by = given.by,
                                       .given = now() }));
    return journal->set_state(run.id, RunState::parked, before.error);
}

Result<void> Engine::settle(std::string_view name, std::int64_t step, Verdict verdict) {
    auto* journal = TRY(game_.journal());
    const auto before = TRY(journal->run(name));
    const auto calls = TRY(journal->calls(before.id));
    const auto found = std::find_if(calls.begin(), calls.end(),
                                    [&](const auto& call) { return call.position == step; });
    if (found == calls.end() || found->state != journal::CallState::parked)
        return Error{ .kind = Kind::usage,
                      .why =
                          fmt::format("step {} of run {} does not wait for anybody", step, before.id),
                      .fix = fmt::format("respawn runs show {}", before.id) };
    const auto state =
        verdict == Verdict::happened ? journal::CallState::done : journal::CallState::failed;
    const auto redo =
        Error{ .kind = Kind::needs_person, .why = "a person said that it did not happen" };
    const auto run = TRY(journal->take_over(before.id)); // nobody works on it meanwhile
    TRY(journal->settle(run.id, step, state,
                        verdict == Verdict::happened ? Value(Value::Map{ { "value", nullptr } })
                                                     : to_value(redo)));
    return journal->set_state(run.id, RunState::parked, before.error);
}

Result<Outcome> Engine::abort(std::string_view name) {
    auto* journal = TRY(game_.journal());
    Outcome outcome{ .run = TRY(journal->take_over(name)) };
    outcome.services = services_left(game_, *journal, outcome.run.id, RunEnd::for_good);
    const Error given_up{ .kind = Kind::cancelled, .why = "given up by a person" };
    TRY(journal->set_state(outcome.run.id, RunState::aborted,
                           with_services(given_up, outcome.services)));
    outcome.run.state = RunState::aborted;
    return outcome;
}

int exit_code(Kind kind) {
    switch (kind) {
    case Kind::not_needed:
        return 0;
    case Kind::usage:
        return 2;
    case Kind::failed_check:
        return 4;
    case Kind::needs_person:
    case Kind::unknown:
        return 5;
    case Kind::leased:
        return 6;
    case Kind::denied:
        return 7;
    case Kind::moved:
        return 8;
    case Kind::cancelled:
        return 130;
    default:
        return 1;
    }
}

} // namespace respawn::run
