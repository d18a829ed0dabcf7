// How snapshots look in tables and in JSON, for the verbs that show them.
#pragma once

#include "vault/vault.h"

#include <map>

namespace respawn::cli {

Value to_value(const vault::Snapshot& snapshot);
// The newest proof of each snapshot; none where they cannot be read, which is said.
using Proofs = std::map<std::string, vault::Proof>;
Proofs proofs_in(vault::Vault& vault);
// With the snapshot's proof, or null.
Value with_proof(Value snapshot, const Proofs& proofs);
std::string proof_of(const std::string& snapshot, const Proofs& proofs);
std::string component_names(const vault::Snapshot& snapshot);
std::uint64_t size_of(const vault::Snapshot& snapshot);
// The lines of `show`: who, when, what.
std::vector<std::string> detail_lines(const vault::Snapshot& snapshot, const Proofs& proofs);

// The database in a snapshot that is meant: by its name, or the only one. Kind::usage when there are
// several, Kind::missing when there is none.
Result<const vault::ComponentRecord*> database_in(const vault::Snapshot& snapshot,
                                                  const std::string& name);

} // namespace respawn::cli
