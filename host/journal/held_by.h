// Who has the lease of a target.
#pragma once

#include "journal/journal.h"

namespace respawn::journal {

// Kind::leased: what the run is that holds it, and what to do about that.
Error held_by(const RunRecord& run);

} // namespace respawn::journal
