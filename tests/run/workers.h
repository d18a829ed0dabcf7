// Plays the host for one script: describes it, runs it, answers its calls, and keeps what it said.
#pragma once

#include "run/worker.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace respawn::testing {

using Answer = std::function<Value(const Value& call)>; // gives {value=…} or {error=…}

struct Said {
    std::vector<std::string> phases, log;
    std::vector<Value> calls;
    Value last;  // done, failed, described or computed
    Error fault; // how the worker ended instead
};

struct Stage {
    std::map<std::string, std::string> modules = {}; // besides the script itself
    run::WorkerLimits limits = {};
    std::int64_t log_lines = 10'000;
    std::int64_t seed = 1;
};

// The primitives scripts of tests have: sql, write, backup, require, check, ask, now.
Value known_primitives();
// A program of this build.
io::Path built(std::string_view program);
Value nothing(const Value& call); // answers null

// One task of the script, without describing it before.
Said perform(std::string_view task, std::string_view script, Value::Map more = {},
             const Answer& answer = nothing, const Stage& stage = {});
// Describes and runs it as wox/sample.
Said run_script(std::string_view script, Value::Map parameters = {}, const Answer& answer = nothing,
                const Stage& stage = {});
// Runs these lines in diagnose; for `failed` gives "where: why", else what was logged.
std::string outcome(std::string_view lines, const Answer& answer = nothing, const Stage& stage = {});

} // namespace respawn::testing
