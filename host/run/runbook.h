// Runbooks as the host knows them: found by name, described by a worker that only loads them, and held
// to that description when they run.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "journal/journal.h"
#include "run/primitive.h"
#include "run/worker.h"

#include <map>
#include <string>
#include <vector>

namespace respawn::run {

// Where runbooks and their modules are found, in the order of search.
struct Places {
    std::vector<io::Path> runbooks;
    std::vector<io::Path> stdlib;
    io::Path worker; // the worker program; empty: beside this one
};

struct RunbookParameter {
    std::string name, doc;
    Type type = Type::text; // text, integer, real, boolean
    bool optional = false;
    std::optional<Value> fallback;
};

// A runbook's table, checked.
struct Description {
    std::string version, summary, target;
    std::vector<RunbookParameter> params;
    std::vector<std::string> uses, phases;
    Duration deadline = std::chrono::minutes(10);
    Duration rto{};
};

struct Described {
    std::string name; // "wox/stuck_duel"
    std::string main; // its own module: "stuck_duel"
    journal::Sources sources;
    Value raw; // what the worker said, for the journal
    Description description;
};

// The names of all runbooks below the folders, sorted; tests (*_test.lua) are not among them.
std::vector<std::string> list_runbooks(const Places& places);

// Loads a runbook in a describing worker. A name like "wox/stuck_duel" is found below the runbook
// folders; a path to a file is taken as it is. Kind::missing with the nearest known name; Kind::script
// when it does not load or its table is wrong.
Result<Described> describe(const std::string& runbook, const Places& places,
                           const Primitives& primitives, const Cancellation& cancel);

// The same from what the journal kept: the sources and the description that ran.
Result<Described> described_from(const std::string& name, const Value& raw,
                                 const journal::Sources& sources);

// As a person typed them, to values: Kind::usage for unknown, missing or mistyped ones.
Result<Value> read_parameters(const Description& runbook,
                              const std::map<std::string, std::string>& typed);

// A worker that will run it.
Result<Worker> start_worker(const Places& places, const Primitives& primitives,
                            const Described& runbook, const Value& parameters,
                            const Cancellation& cancel);

// What workers are told of the primitives: names and parameters.
Value stubs_of(const Primitives& primitives);

// The text of a module as scripts name it: "stdlib.duels", or one in `folder`. Kind::missing.
Result<std::string> read_module(const Places& places, const io::Path& folder, std::string_view module);

} // namespace respawn::run
