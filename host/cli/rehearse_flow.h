// A rehearsal as a verb makes it: on a copy of a backup, shown like a run.
#pragma once

#include "cli/run_flow.h"

namespace respawn::cli {

// The options of a verb that can rehearse, behind its own: --rehearse, --backup, --regardless.
std::vector<Option> with_rehearsing(std::vector<Option> own);

// Whether --rehearse was typed. Kind::usage where it goes with --dry-run, --plan or --yes, or where
// what belongs to it stands without it.
Result<bool> is_rehearsal(const Context& context);

// Gives the exit code: 0 when it passed, 4 when there was nothing to rehearse.
Result<int> rehearse(const Context& context, const RunCommand& command);

} // namespace respawn::cli
