// Carries runbooks out: plans them (a dry run), performs them, resumes them.
#pragma once

#include "run/gate.h"
#include "run/live.h"

namespace respawn::run {

struct Request {
    std::string runbook;                           // "wox/stuck_duel", or a file's path
    std::map<std::string, std::string> parameters; // as typed: name → text
    std::string operator_name, reason;
};

// A dry run's end. `error` says why it ended early: nothing needed doing, or what it could not know.
struct Planned {
    journal::PlanRecord plan;
    std::string title; // "wox/stuck_duel 3.0.0"
    bool not_needed = false;
    std::optional<Error> ended_at; // the plan covers up to there
};

// A live run's end.
struct Outcome {
    journal::RunRecord run;
    std::optional<Error> error; // why it did not end as done
    std::int64_t effects = 0;   // that happened or may have
};

// What a person says of a step whose outcome nobody knows.
enum class Verdict { happened, redo };

class Engine {
  public:
    Engine(Game& game, const Primitives& primitives, Folders folders, const Cancellation& cancel)
        : game_(game), primitives_(primitives), folders_(std::move(folders)), cancel_(cancel) {}

    // What a runbook says of itself, without running it.
    Result<Runbook> describe(const std::string& runbook);
    // A dry run; its plan is kept in the journal.
    Result<Planned> plan(const Request& request, Listener& listener);
    // Plans again; when the facts moved since, Kind::moved and nothing is done. Else performs the plan.
    Result<Outcome> perform(const Request& request, const journal::PlanRecord& agreed,
                            Listener& listener);
    // Goes on where an interrupted, failed or parked run stopped.
    Result<Outcome> resume(std::string_view run, Listener& listener, bool beyond_plan);
    // Settles a parked step, by a person's word.
    Result<void> settle(std::string_view run, std::int64_t step, Verdict verdict);
    // Gives a run up and lets go of its lease. What it did stays done.
    Result<journal::RunRecord> abort(std::string_view run);

  private:
    Result<Planned> make_plan(const Request& request, Listener& listener);
    Result<Worker> start(const Runbook& runbook, const Value& parameters);
    Result<Outcome> carry_out(journal::Journal& journal, journal::RunRecord run,
                              const journal::Sources& sources,
                              std::vector<journal::CallRecord> recorded, std::optional<Value> planned,
                              Listener& listener);

    Game& game_;
    const Primitives& primitives_;
    Folders folders_;
    const Cancellation& cancel_;
};

// The exit code of the program for an error (DESIGN: what it is like to use).
int exit_code(Kind kind);

} // namespace respawn::run
