// Parts of bringing a snapshot back: to a new place, which export to a folder shares, and single rows.
#pragma once

#include "cli/opening.h"
#include "component/part.h"

namespace respawn::cli {

// What --component and --path ask for; every component that succeeded when neither does.
Result<std::vector<component::Part>> asked_parts(const Context& context, vault::Vault& vault,
                                                 const vault::Snapshot& snapshot);

// To `to` itself when it is one part and nothing is there, else each to a folder of its component's
// name below it; then says what was done.
Result<int> restore_beside(const Context& context, vault::Vault& vault, const vault::Snapshot& snapshot,
                           const std::vector<component::Part>& parts, const io::Path& to);

// What `restore --table` does: single rows, into the live table, as a run (cli/restore_rows.cpp).
Result<int> restore_rows(const Context& context);

} // namespace respawn::cli
