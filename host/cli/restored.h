// Bringing parts of a snapshot to a new place: what restore --to and export to a folder share.
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

} // namespace respawn::cli
