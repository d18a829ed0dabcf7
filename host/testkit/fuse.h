// Power cuts: a fuse kills this process at one boundary of a run, as a power cut would. Boundaries are
// before and after each durable operation of the journal, and behind each commit to a database.
#pragma once

#include "run/game.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace respawn::testkit {

// When the process dies. Nothing set: never.
struct Cut {
    std::int64_t boundary = 0; // the how manieth; from 1
    std::string after_commit;  // or behind the write that has this `why`
    std::string named;         // or at the boundary of this name: "before accept_marker"
    bool any() const { return boundary != 0 || !after_commit.empty() || !named.empty(); }
};

// What goes around a game's journal and databases, so that the process dies at the cut. `tell` is a
// descriptor that hears where, before.
run::Wraps fuse(const Cut& cut, int tell);

// What became of a child process: either it was killed at a boundary, or it has answered.
struct Ended {
    bool killed = false;
    std::string boundary;
    Value answer;
};

// Runs the body in a child process; what it is given goes around its game. The caller must hold no
// database open and have no threads.
Result<Ended> in_child(const Cut& cut, const std::function<Value(const run::Wraps&)>& body);

} // namespace respawn::testkit
