// The journal: the durable record of runs. Before an effect its intent is durable, after it its result,
// so that after any crash it is known what was done, what was not, and which one call is open.
// Arguments, results, parameters and errors hold player data and are encrypted; names, states and times
// are not. It is kept by one machine for itself (SQLite) or on a server for a fleet (PostgreSQL);
// tests/contract/journal_contract.cpp runs over both. Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "database/database.h"
#include "io/file.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace respawn::journal {

// How an open intent is settled after a crash.
enum class Policy {
    none,   // a read: simply made again
    probe,  // ask the target whether it happened
    repeat, // safe with the same key
    park,   // a person decides
    let_go, // a message: "maybe sent", the run goes on
};

enum class CallState {
    intent, // begun; nobody knows yet whether it happened
    done,   // happened, result known
    failed, // did not happen; result holds the error
    maybe,  // let go: may have happened
    parked, // unknown: waits for a person
};

enum class RunState { running, done, not_needed, failed, parked, aborted };

std::string_view name_of(Policy policy);
std::string_view name_of(CallState state);
std::string_view name_of(RunState state);

// The process that carries a run out. A pid alone would be fooled by a pid that is used again.
struct Holder {
    std::string host;
    std::string boot; // of the kernel; with the process namespace, where that is not the machine's own
    std::int64_t pid = 0;
    std::int64_t process_start = 0; // clock ticks since boot
    bool operator==(const Holder&) const = default;
};
// With $RESPAWN_HOST set, this machine is another one, of that name: so that tests have several hosts.
Holder this_process();
enum class Liveness { alive, dead, elsewhere }; // elsewhere: another host's, only its lease tells
// Who shares the journal. A machine knows by the host's name that it was booted since; in a fleet two
// machines may bear one name, and only what this kernel knows of its own processes is certain.
enum class Sharing { machine, fleet };
Liveness liveness(const Holder& holder, Sharing sharing = Sharing::machine);

struct RunRecord {
    std::string id; // ULID
    std::string runbook, version, mode;
    std::string target; // a path: "/" is everything, "/duel:7/" lies in it
    std::string operator_name, reason;
    std::string plan; // hash, empty without one
    Value parameters;
    Value description; // what the describing worker said; the running one is held to it
    RunState state = RunState::running;
    std::string phase;
    std::int64_t approvals = 0; // of its plan, by others than its operator: used up when it starts
    Value error;                // {what, on, why, fix, kind} of a run that failed or waits
    std::int64_t token = 0;     // fencing token: rises with every start and take-over
    Holder holder;
    Moment started, updated, finished;
    // When it was read, by the clock of the journal's store:
    Liveness life = Liveness::alive; // of the holder of a run that is running
    Duration silent{};               // since the holder was last heard of
    Duration lease_left{};
};
// Running, but nobody carries it out any more: it can be taken over.
bool is_interrupted(const RunRecord& run);

// What a person chose when a runbook asked.
struct AnswerRecord {
    std::int64_t number = 0; // within its run, from 1
    std::string question;    // hex, the hash of what was asked
    std::string answer;
    std::string by;
    Moment given;
};

struct CallRecord {
    std::int64_t position = 0; // from 1, in the order of the run
    std::string phase, name;
    std::string component;     // the database or thing it touches, or empty
    std::string where;         // file:line in the runbook
    std::string argument_hash; // hex; of the arguments' one encoding
    Value arguments;
    Policy policy = Policy::none;
    CallState state = CallState::done;
    std::int64_t token = 0; // fencing token under which it was begun
    Value result;
    Moment begun, settled;
};

// What a dry run leaves behind: what it showed.
struct PlanRecord {
    std::string hash; // hex
    std::string runbook, version, operator_name;
    Value parameters;
    Value sources; // module → text
    Value effects; // list; what the hash is made of
    Moment made;
    std::string used_by; // the run that was started with it
};

// Somebody other than the operator has looked at a plan and agrees to it.
struct ApprovalRecord {
    std::string plan; // hash
    std::string requester, approver, reason;
    Moment made, expires;
    std::string used_by; // the run it was used up by
    bool holds =
        true; // when it was read, by the clock of the journal's store: neither used nor expired
};

// What a rehearsal came to.
struct RehearsalRecord {
    std::string id; // ULID
    std::string runbook, version;
    std::string sources; // hash over the text of every module, hex
    Value parameters;
    std::string backup = {}; // the snapshot that the copies are of; empty when none was made
    std::string operator_name;
    Moment began;
    Duration took{}, restore_took{}; // all of it; making the copies, which is a part of that
    bool passed = false;
    Value error = {};   // as a run's; null when it passed
    Value effects = {}; // as a plan's
};

using Sources = std::map<std::string, std::string>; // module → text

// What looking at the audit chain found (journal/audit.h).
struct AuditReport {
    std::int64_t entries = 0;
    std::string head;                // "1234:3f9a…", to be kept elsewhere
    std::vector<std::string> faults; // a sentence each; empty when all is as respawn wrote it
    std::int64_t more_faults = 0;
};

// Whoever has started or taken over a run holds it, until its state is set or it is taken over. All
// that is written about a run is written by its holder: each transaction looks, and Kind::leased says
// who holds it now. So a process that was stopped, and wakes up when another has its run, writes
// nothing.
class Journal {
  public:
    virtual ~Journal() = default;

    // Makes the run durable and takes the lease of its target, in one transaction; fills token and
    // holder. Kind::leased names the run that holds it and says what to do with it. A plan can start
    // one run, which uses up as many approvals of others as it needs: Kind::needs_person without them.
    virtual Result<void> start_run(RunRecord& run, const Sources& sources) = 0;
    // A run that is parked, failed or interrupted gets this process as holder and a higher token.
    virtual Result<RunRecord> take_over(std::string_view run) = 0;
    // The run is held to run.plan from now on, which is used up with run.approvals of others, as in
    // start_run.
    virtual Result<void> adopt_plan(const RunRecord& run) = 0;
    // Asked right before something is done where no token is looked at. Kind::leased unless the run is
    // held for a third of a lease yet, by the clock of this machine's kernel, which goes on while a
    // process is stopped.
    virtual Result<void> must_hold(std::string_view run) = 0;

    // A read's result. Durable with the next intent, phase or end: a lost read is made again.
    virtual Result<void> note(std::string_view run, const CallRecord& call) = 0;
    // Durable when it returns. A failed call, or one that a probe found not to have happened, is begun
    // again.
    virtual Result<void> begin(std::string_view run, const CallRecord& call) = 0;
    virtual Result<void> settle(std::string_view run, std::int64_t position, CallState state,
                                const Value& result) = 0;
    // Durable when it returns; its number is the next one.
    virtual Result<void> save_answer(std::string_view run, const AnswerRecord& answer) = 0;
    virtual Result<void> set_phase(std::string_view run, std::string_view phase) = 0;
    // Throws away reads from a position on, so that they are made afresh. Kind::internal when an effect
    // stands there.
    virtual Result<void> forget_reads(std::string_view run, std::int64_t from_position) = 0;
    // Ends or parks the run. A run that is done, not needed or aborted lets go of its lease; one that
    // failed or waits keeps it, so that nobody works on the half-repaired thing meanwhile.
    virtual Result<void> set_state(std::string_view run, RunState state, const Value& error) = 0;

    // Newest first.
    virtual Result<std::vector<RunRecord>> runs(std::size_t most) = 0;
    // By id or unique prefix. Kind::missing, Kind::conflict.
    virtual Result<RunRecord> run(std::string_view name) = 0;
    virtual Result<std::vector<CallRecord>> calls(std::string_view run) = 0;
    // In the order they were given.
    virtual Result<std::vector<AnswerRecord>> answers(std::string_view run) = 0;
    virtual Result<Sources> sources(std::string_view run) = 0;

    virtual Result<void> save_plan(const PlanRecord& plan) = 0;
    // By hash or a prefix of at least 6 digits.
    virtual Result<PlanRecord> plan(std::string_view hash) = 0;
    // In place of an unused one of the same person. Kind::conflict when the plan was used.
    virtual Result<void> approve(const ApprovalRecord& approval) = 0;
    virtual Result<std::vector<ApprovalRecord>> approvals(std::string_view plan) = 0;

    virtual Result<void> save_rehearsal(const RehearsalRecord& rehearsal) = 0;
    // Newest first, of these sources when any are named; without their effects, which may be large.
    virtual Result<std::vector<RehearsalRecord>> rehearsals(std::size_t most,
                                                            std::string_view sources) = 0;
    // By id or unique prefix. Kind::missing, Kind::conflict.
    virtual Result<RehearsalRecord> rehearsal(std::string_view name) = 0;

    // The highest marker seen of a component's database. Kind::moved when the database shows a lower
    // one than was seen: it went back. Names the runs that were lost with it.
    virtual Result<void> note_marker(std::string_view component,
                                     const database::MarkerState& state) = 0;
    // After a restore the lower number is the right one.
    virtual Result<void> accept_marker(std::string_view component,
                                       const database::MarkerState& state) = 0;

    // Removes runs that ended before this moment, with all that belongs to them, and plans that no run
    // and nobody needs any more. A run that is not finished, or holds a lease, stays. Gives how many.
    virtual Result<std::int64_t> remove_ended(Moment before) = 0;
    // Looks whether anybody but respawn has changed the records of runs. `known_head` is a head from
    // before, or empty.
    virtual Result<AuditReport> audit(std::string_view known_head) = 0;

    // A consistent copy of the whole journal as a local one, in a new file.
    virtual Result<void> copy_to(const io::Path& file) = 0;
};

// The local journal: one SQLite file. `key` seals player data; the same key must be given each time.
Result<std::unique_ptr<Journal>> open_local_journal(const io::Path& file, const crypto::Key& key);

// A fleet's journal: tables in a PostgreSQL database, made when they are missing. Its holder renews a
// lease on another thread, three times in its length; ends of leases are by the database's clock. A
// connection that was lost is made again for the next transaction; one that was under way fails with
// Kind::unavailable.
Result<std::unique_ptr<Journal>> open_fleet_journal(const config::JournalSettings& settings,
                                                    const crypto::Key& key);
// What keeps the login from using it, without changing anything; an Error when it cannot be told.
Result<std::vector<database::Lack>> find_fleet_lacks(const config::JournalSettings& settings);

} // namespace respawn::journal
