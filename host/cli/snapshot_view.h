// How snapshots look in tables and in JSON, for the verbs that show them.
#pragma once

#include "vault/vault.h"

namespace respawn::cli {

Value to_value(const vault::Snapshot& snapshot);
std::string component_names(const vault::Snapshot& snapshot);
std::uint64_t size_of(const vault::Snapshot& snapshot);
// The lines of `show`: who, when, what.
std::vector<std::string> detail_lines(const vault::Snapshot& snapshot);

// The database in a snapshot that is meant: by its name, or the only one. Kind::usage when there are
// several, Kind::missing when there is none.
Result<const vault::ComponentRecord*> database_in(const vault::Snapshot& snapshot,
                                                  const std::string& name);

} // namespace respawn::cli
