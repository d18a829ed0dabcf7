// A clock that stands still: what a test sets it to is the present for the runs of its worlds.
#pragma once

#include "run/game.h"

namespace respawn::testkit {

// The wraps of a game whose runbooks see `present`, and whose writes carry it as their moment.
run::Wraps at_time(run::Wraps wraps, Moment present);

} // namespace respawn::testkit
