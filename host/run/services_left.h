// What becomes of services that a run has stopped, when it ends.
#pragma once

#include "run/game.h"

namespace respawn::run {

enum class RunEnd {
    well,     // what it left down stays down
    badly,    // what it stopped is started again, and stopped again if it goes on
    for_good, // the same, and it will not go on
};

// A line for each unit that was started again, and for each that is down. Never fails: what could not
// be started is one of the lines.
std::vector<std::string> services_left(Game& game, journal::Journal& journal, const std::string& run,
                                       RunEnd end);

} // namespace respawn::run
