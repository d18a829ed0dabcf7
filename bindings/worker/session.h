// One task of the worker: what the host told it, and where it is. Lua state and session belong
// together; session_of() finds the one from the other.
#pragma once

#include "base/value.h"
#include "worker/lua.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::worker {

struct Parameter {
    std::string name;
    std::string type;
    bool required = true;
};

// What the worker knows of a primitive: how it is called, never what it does.
struct Primitive {
    std::string name;
    std::vector<Parameter> parameters;
    bool positional = false;

    const Parameter* parameter(std::string_view wanted) const;
};

struct Failure {
    std::string why, where, trace;
    Value cause; // the host's error, when it was one that nobody caught
};

struct Session {
    std::string task; // describe, run or test
    std::string name; // wox/stuck_duel
    std::string main; // the runbook's own module
    std::map<std::string, std::string, std::less<>> sources;
    std::map<std::string, Primitive, std::less<>> primitives;
    Value parameters, description;
    std::string globals; // test: the module whose fields a test file has as globals
    std::int64_t seed = 0;
    std::size_t memory_bytes = 0;
    std::int64_t log_lines = 0;

    std::string phase; // the one that runs; "test" for a test file; empty while modules load
    std::vector<std::string> loading; // modules that are being required, outermost first
    std::string place;                // what an error is about that is found while no Lua runs
    Failure failure;                  // of the error that was raised last and not caught

    // Whether calls may be made now.
    bool in_phase() const { return !phase.empty(); }
    // The file a module stands in, as errors name it: stdlib/duels.lua, wox/stuck_duel.lua.
    std::string file_of(std::string_view module) const;
};

// Reads the start message. Kind::usage names what is missing in it.
Result<Session> read_session(const Value& start);

void attach(lua_State* L, Session& session);
Session& session_of(lua_State* L);

} // namespace respawn::worker
