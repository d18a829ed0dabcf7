// Who has the lease of a target.
#pragma once

#include "journal/journal.h"

namespace respawn::journal {

// Whether who holds one of two targets keeps others from the other: "/duel:7/" lies in "/".
bool one_contains_other(std::string_view a, std::string_view b);
// Kind::leased: what the run is that holds it, and what to do about that.
Error held_by(const RunRecord& run);

} // namespace respawn::journal
