// What a forced backup looks at first: is there room for it, can the machine bear it, and can
// everything be reached that it takes?
#pragma once

#include "run/game.h"

namespace respawn::run {

struct Looked {
    std::string subject; // "disk of local", "memory", "load", "component database"
    std::string found;   // "68 GiB free, 1.2 GiB are wanted"
    std::string fix;     // what to do; empty when it is well
    bool well() const { return fix.empty(); }
};

// Changes nothing. `components` are those that the backup is to take.
Result<std::vector<Looked>> look_before_backup(Game& game, const std::vector<std::string>& components);

} // namespace respawn::run
