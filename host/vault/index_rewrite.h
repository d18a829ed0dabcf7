// Index files written anew without the packs that are about to go: new ones first, then the old ones
// are removed. Many small ones become few on the way.
#pragma once

#include "vault/lease.h"
#include "vault/marks.h"

namespace respawn::vault {

Result<void> rewrite_index(Vault::State& vault, Lease& lease, const PackSet& gone);

} // namespace respawn::vault
