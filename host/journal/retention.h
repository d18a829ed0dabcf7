// Records that are too old to be kept.
#pragma once

#include "journal/audit.h"

namespace respawn::journal {

// Removes runs that ended before this moment, rehearsals of before it, and what nothing else needs
// then. The chain notes each row that goes. Gives how many runs.
Result<std::int64_t> remove_ended(database::Session& session, const Audit& audit, Moment before);

} // namespace respawn::journal
