// Snapshots that were removed on purpose. Each leaves a tombstone that holds its document: within the
// grace time its data is kept and it can be brought back; later the tombstone alone explains the gap.
#pragma once

#include "vault/lease.h"

namespace respawn::vault {

struct Tombstone {
    Snapshot snapshot;
    std::string document; // the snapshot's, encoded
    Moment removed;       // by the location's clock
    std::string why;
};

// Those that hold a document. A damaged one is passed over: what it stood for was removed on purpose.
Result<std::vector<Tombstone>> list_tombstones(Vault::State& vault);

// Tombstone first, then the snapshot's file.
Result<void> remove_snapshot(Vault::State& vault, Lease& lease, const std::string& id,
                             const std::string& why);

} // namespace respawn::vault
