// Proofs: what verifying a snapshot has shown, each a small sealed file named after its snapshot. They
// are no part of it: losing one loses no data.
#pragma once

#include "vault/state.h"

namespace respawn::vault {

// Empty for a sound one.
std::string proof_fault(Vault::State& vault, std::string_view name, std::string_view bytes);
// Those whose snapshot is none of these ids, and those that a later one has replaced.
Result<void> remove_old_proofs(Vault::State& vault, const std::set<std::string>& kept);

} // namespace respawn::vault
