// Runs in a world: dry, live, cut off and resumed. What comes of one is told as a test reads it:
//   {state, error, kind, run, plan, log = [text], effects = [{phase, name, arguments, rows}], timeline,
//    runbook, phases = [those that ran live to their end]}
// A run that was not begun has the state of its dry run: "planned", "not_needed", "needs_person",
// "moved", "leased", "denied" or "failed".
#pragma once

#include "run/engine.h"
#include "testkit/world.h"

namespace respawn::testkit {

// What runs need besides a world.
struct Stage {
    const run::Primitives& primitives;
    const run::Folders& folders;
    const Cancellation& cancel;
    io::Path worlds = {};                 // where worlds are made
    run::Person* person = &run::nobody(); // who answers what a runbook asks
    std::optional<Moment> present = {}; // of the clock that runs are given; the machine's when left out
    // The server that keeps the runs of worlds; none: a file of each world's.
    std::optional<config::JournalSettings> journal = {};
};

Result<Value> dry_run(const World& world, const Stage& stage, const run::Request& request);
// On a copy of a backup: the state is "passed", or as of a run that was not begun; `rehearsal` is its
// id, `backup` the snapshot that the copy is of.
Result<Value> rehearse(const World& world, const Stage& stage, const run::Request& request,
                       const run::Rehearsing& how);
// Plans and performs; where the world's next run is to be cut off, "interrupted" comes of it.
Result<Value> live_run(World& world, const Stage& stage, const run::Request& request);
// Goes on with the newest run that is not finished.
Result<Value> resume(World& world, const Stage& stage, bool beyond_plan);

// In a process of its own, which the cut may kill: begins the run, or goes on with the newest one that
// this world has of its runbook. When that one has ended the answer is its state.
Result<Ended> attempt(const World& world, const Stage& stage, const run::Request& request,
                      const Cut& cut);

// Where a run is killed, and where its resumption is killed once more; 0 is never.
struct CrashPlan {
    std::int64_t at = 0;
    std::int64_t again_at = 0;
};
// Runs, dies, and is resumed until it ends:
//   {killed, boundary, state, error, timeline, runbook, phases, maybe, tables = {name → [row]},
//   messages = [text],
//    effects = [text], keys = [text], snapshots, files}
// Moments in rows are masked, so that two worlds can be compared.
Result<Value> crash_and_resume(const World& world, const Stage& stage, const run::Request& request,
                               const CrashPlan& plan);

} // namespace respawn::testkit
