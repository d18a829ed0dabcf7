// Starting and stopping a unit and waiting until it has come true, the same for every manager.
#pragma once

#include "base/cancel.h"
#include "service/service.h"

namespace respawn::service {

// As it is once it holds still: one that runs only since a moment is watched until it has settled, or
// is seen to flap.
Result<Unit> settled(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel);

// Afterwards the unit runs, has stayed up for its settling time, and is healthy. One that runs already
// is only waited for. Kind::missing for one that the manager does not know; Kind::unavailable for one
// that ends again, with its exit code; Kind::timeout for one that does not get there in time.
Result<Unit> start(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel);

// Afterwards no process of it is left. Kind::timeout names the process that does not stop; it is killed
// only where the configuration says so.
Result<Unit> stop(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel);

// "ended with 3", and what the manager says besides.
std::string how_it_ended(const Unit& unit);

} // namespace respawn::service
