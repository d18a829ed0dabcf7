// What a runbook is, and where it and its modules are found. A runbook's file returns one table; a
// worker reads it, and what it says is checked here, because the worker isn't trusted.
#pragma once

#include "base/time.h"
#include "run/worker.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace respawn::run {

// Where Lua files are looked for, in order.
struct Folders {
    std::vector<io::Path> runbooks;
    std::vector<io::Path> stdlib; // "stdlib.duels" is duels.lua in one of these
};

// The text of a runbook and of every module it requires: what runs, and what the journal keeps.
struct Source {
    std::string name; // wox/stuck_duel
    std::string main; // stuck_duel, the module that is the runbook itself
    std::map<std::string, std::string> modules;
    io::Path folder = {}; // the runbook's own, for its modules; empty when it came from the journal
};

struct RunbookParameter {
    std::string name, type, doc; // type: integer, real, text, boolean or list
    bool optional = false;
    Value fallback; // null when there is none
};

// The runbook's table, every field of the right type.
struct Description {
    std::string version, summary;
    std::vector<RunbookParameter> params; // in byte order of their names
    std::vector<std::string> uses;
    std::string target; // "duel:{duel}"; empty: the whole database
    std::optional<Duration> deadline, rto;
    std::int64_t approvals = 0;     // people other than the operator
    std::string confirm;            // the code the operator must type; empty: none
    bool reason = false;            // whether a reason must be given
    std::vector<std::string> needs; // `requires`: what must be there, for a person to read
    // That a rehearsal has passed so lately, which `requires` may name as well: a live run is held to
    // it.
    std::optional<Duration> rehearsal;
    std::vector<std::string> phases;
    Value table; // as it was described: a running worker is held to it

    const RunbookParameter* param(std::string_view name) const;
    bool has_phase(std::string_view name) const;
};

struct Runbook {
    Source source;
    Description description;
};

// The names of all runbooks, sorted; tests (…_test.lua) are left out, and so are links.
Result<std::vector<std::string>> list_runbooks(const Folders& folders);
// The names of all tests, sorted: "wox/stuck_duel_test".
Result<std::vector<std::string>> list_tests(const Folders& folders);

// By name below a runbook folder ("wox/stuck_duel"; the first folder that has it), or by a file's path
// ("./x/stuck_duel.lua"). Reads the runbook's own text only. Names are [a-z0-9_] with / between, and no
// link is followed below the folder. Kind::missing names what was looked for and the nearest name.
Result<Source> find_runbook(std::string_view name_or_path, const Folders& folders);
// The text of a module that a runbook requires.
Result<std::string> read_module(const Source& source, std::string_view module, const Folders& folders);

// Has a worker read the runbook. Afterwards the source holds all its modules. `primitives` is the list
// for the worker (docs/protocol.md).
Result<Runbook> describe(Source source, const Folders& folders, const Value& primitives,
                         const WorkerLimits& limits, const Cancellation& cancel);
// Checks a described table. Kind::script with file and line, and the nearest known word.
Result<Description> read_description(const Value& table, const Source& source);

// The parameters of a run as the person wrote them, typed, with fallbacks. Kind::usage names the
// parameter that is missing, unknown or of the wrong type.
Result<Value> read_parameters(const Description& description,
                              const std::map<std::string, std::string>& given);
// The target with its {parameters} filled in.
std::string target_of(const Description& description, const Value& parameters);

// What both tasks of a worker start with: {task, name, main, sources, primitives}.
Value::Map task_message(std::string_view task, const Source& source, const Value& primitives);
// A worker's {kind="failed"} as an Error: Kind::script, "wox/stuck_duel.lua:21: why".
Error script_error(const Value& failed);

} // namespace respawn::run
