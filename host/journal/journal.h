// The journal: the durable record of runs. Before an effect its intent is durable, after it its result,
// so that after any crash it is known what was done, what was not, and which one call is open.
// Arguments, results, parameters and errors hold player data and are encrypted; names, states and times
// are not. One implementation per store; tests/contract/journal_contract.cpp runs over all.
// Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"
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
    std::string host, boot;
    std::int64_t pid = 0;
    std::int64_t process_start = 0; // clock ticks since boot
    bool operator==(const Holder&) const = default;
};
Holder this_process();
enum class Liveness { alive, dead, elsewhere }; // elsewhere: another host's, only its lease tells
Liveness liveness(const Holder& holder);

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
    Value error;            // {what, on, why, fix, kind} of a run that failed or waits
    std::int64_t token = 0; // fencing token: rises with every start and take-over
    Holder holder;
    Moment started, updated, finished;
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

using Sources = std::map<std::string, std::string>; // module → text

class Journal {
  public:
    virtual ~Journal() = default;

    // Makes the run durable and takes the lease of its target, in one transaction; fills token and
    // holder. Kind::leased names the run that holds it and says what to do with it. A plan can start
    // one run.
    virtual Result<void> start_run(RunRecord& run, const Sources& sources) = 0;
    // A run that is parked, failed or whose holder is dead gets this process as holder and a higher
    // token.
    virtual Result<RunRecord> take_over(std::string_view run) = 0;

    // A read's result. Durable with the next intent, phase or end: a lost read is made again.
    virtual Result<void> note(std::string_view run, const CallRecord& call) = 0;
    // Durable when it returns. A failed call, or one that a probe found not to have happened, is begun
    // again.
    virtual Result<void> begin(std::string_view run, const CallRecord& call) = 0;
    virtual Result<void> settle(std::string_view run, std::int64_t position, CallState state,
                                const Value& result) = 0;
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
    virtual Result<Sources> sources(std::string_view run) = 0;

    virtual Result<void> save_plan(const PlanRecord& plan) = 0;
    // By hash or a prefix of at least 6 digits.
    virtual Result<PlanRecord> plan(std::string_view hash) = 0;

    // The highest marker seen of a component's database. Kind::moved when the database shows a lower
    // one than was seen: it went back. Names the runs that were lost with it.
    virtual Result<void> note_marker(std::string_view component,
                                     const database::MarkerState& state) = 0;
    // After a restore the lower number is the right one.
    virtual Result<void> accept_marker(std::string_view component,
                                       const database::MarkerState& state) = 0;

    // A consistent copy of the whole journal in a new file, for the backup of respawn's own state.
    virtual Result<void> copy_to(const io::Path& file) = 0;
};

// The local journal: one SQLite file. `key` seals player data; the same key must be given each time.
Result<std::unique_ptr<Journal>> open_local_journal(const io::Path& file, const crypto::Key& key);

} // namespace respawn::journal
