// How rehearsals look afterwards, and beside a run.
#pragma once

#include "cli/verb.h"

namespace respawn::cli {

// "2.1 s: restoring the copy 1.6 s, running 0.5 s"
std::string times_of(const journal::RehearsalRecord& rehearsal);
Value to_value(const journal::RehearsalRecord& rehearsal);
void show_rehearsal(const journal::RehearsalRecord& rehearsal);
// The newest 50, or all since a moment.
Result<int> list_rehearsals(const Context& context, journal::Journal& journal,
                            std::optional<Moment> since);

// Whether what a run did, or would do, is what was rehearsed. Nothing where nothing was.
void show_beside(const std::optional<run::Beside>& beside);
Value to_value(const std::optional<run::Beside>& beside);

} // namespace respawn::cli
