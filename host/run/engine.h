// Carries runbooks out: plans them (a dry run), performs them, resumes them.
#pragma once

#include "run/dry.h"
#include "run/gate.h"
#include "run/live.h"
#include "run/rehearsal.h"

namespace respawn::run {

struct Request {
    std::string runbook;                           // "wox/stuck_duel", or a file's path
    std::map<std::string, std::string> parameters; // as typed: name → text
    std::string operator_name, reason;
    std::string confirmation = {}; // the code that some runbooks ask for
};

// A dry run's end. `error` says why it ended early: nothing needed doing, or what it could not know.
struct Planned {
    journal::PlanRecord plan;
    std::string title; // "wox/stuck_duel 3.0.0"
    Runbook runbook;
    bool not_needed = false;
    std::optional<Error> ended_at; // the plan covers up to there
    std::optional<Beside> rehearsed;
};

// A rehearsal's end.
struct Rehearsed {
    journal::RehearsalRecord record;
    std::optional<Error> error;         // why it did not pass
    std::optional<Duration> rto;        // as the runbook promises it
    std::vector<std::string> read_live; // what of it was no copy: "chain"
};

// A live run's end.
struct Outcome {
    journal::RunRecord run;
    std::optional<Error> error;      // why it did not end as done
    std::int64_t effects = 0;        // that happened or may have
    std::optional<Beside> rehearsed; // of one that is done
    // Services that the run had stopped, a line each: those that were started again when it ended
    // badly, and those that are down.
    std::vector<std::string> services = {};
};

// What a person says of a step whose outcome nobody knows.
enum class Verdict { happened, redo };

struct AnswerGiven {
    std::string choice, by;
};

class Engine {
  public:
    // `person` is asked where a runbook asks (respawn.ask), in a dry run as in a live one.
    Engine(Game& game, const Primitives& primitives, Folders folders, const Cancellation& cancel,
           Person& person = nobody())
        : game_(game), primitives_(primitives), folders_(std::move(folders)), cancel_(cancel),
          person_(person) {}

    // What a runbook says of itself, without running it.
    Result<Runbook> describe(const std::string& runbook);
    // A dry run; its plan is kept in the journal.
    Result<Planned> plan(const Request& request, Listener& listener);
    // Plans again; when the facts moved since, Kind::moved and nothing is done. Else performs the plan.
    Result<Outcome> perform(const Request& request, const journal::PlanRecord& agreed,
                            Listener& listener);
    // Does it for real on copies of a backup, records the rest, and keeps in the journal what came of
    // it. An Error: it could not begin, or was interrupted; then nothing is kept.
    Result<Rehearsed> rehearse(const Request& request, const Rehearsing& how, Listener& listener);
    // Goes on where an interrupted, failed or parked run stopped.
    Result<Outcome> resume(std::string_view run, Listener& listener, bool beyond_plan);
    // What a run that stopped would still do, as a dry run: what it did is told from the journal. The
    // plan is kept there.
    Result<Planned> plan_rest(std::string_view run, const std::string& operator_name,
                              Listener& listener);
    // Plans the rest again; when the facts moved since, Kind::moved and nothing is done. Else goes on,
    // held to that plan. Of `consent` only the operator, reason and code are looked at.
    Result<Outcome> resume_as(std::string_view run, const journal::PlanRecord& agreed,
                              const Request& consent, Listener& listener);
    // Keeps a person's answer to the question that a run waits with. It does not go on yet.
    Result<void> answer(std::string_view run, const AnswerGiven& given);
    // Settles a parked step, by a person's word.
    Result<void> settle(std::string_view run, std::int64_t step, Verdict verdict);
    // Gives a run up and lets go of its lease. What it did stays done, but for services that it
    // stopped: they are started again.
    Result<Outcome> abort(std::string_view run);

  private:
    Result<void> rehearse_on_stage(const Runbook& runbook, const Rehearsing& how, Listener& listener,
                                   Rehearsed& done);
    Result<Planned> make_plan(const Request& request, Answers answers, Listener& listener);
    Result<Planned> show(const Runbook& runbook, const Value& parameters, DryMode& mode,
                         Listener& listener);
    Result<Worker> start(const Runbook& runbook, const Value& parameters);
    Result<KnownAnswers> answers_of(const journal::RunRecord& run);
    Result<Planned> make_rest(const journal::RunRecord& run, Answers answers, Listener& listener);
    Result<Outcome> go_on(const journal::RunRecord& run, bool beyond_plan, Listener& listener);
    Result<Outcome> carry_out(const journal::RunRecord& run, std::vector<journal::CallRecord> recorded,
                              std::optional<Value> planned, Listener& listener);

    Game& game_;
    const Primitives& primitives_;
    Folders folders_;
    const Cancellation& cancel_;
    Person& person_;
};

// The exit code of the program for an error (DESIGN: what it is like to use).
int exit_code(Kind kind);

} // namespace respawn::run
