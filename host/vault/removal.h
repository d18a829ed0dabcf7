// Snapshots that were removed on purpose. Each leaves a tombstone that holds its document: within the
// grace time its data is kept and it can be brought back; later the tombstone alone explains the gap. A
// tombstone decides: a snapshot file beside one is of a removal that was killed, or of a backup that
// woke up late, and goes with the next prune; one that was undone stands for its snapshot even without
// a file.
#pragma once

#include "vault/lease.h"

#include <set>

namespace respawn::vault {

struct Tombstone {
    Snapshot snapshot;
    std::string document; // the snapshot's, encoded
    Moment removed;       // by the location's clock
    std::string why;
    bool undone = false; // brought back
};

// Those that hold a document. A damaged one is passed over: what it stood for was removed on purpose.
Result<std::vector<Tombstone>> list_tombstones(Vault::State& vault);

// Ids of those that are removed, whether their file is gone or not.
std::set<std::string> removed_ids(const std::vector<Tombstone>& tombstones);

// Makes the files agree with the tombstones, after somebody was killed or too slow.
Result<void> settle_removals(Vault::State& vault, Lease& lease);

// Tombstone first, then the snapshot's file.
Result<void> remove_snapshot(Vault::State& vault, Lease& lease, const std::string& id,
                             const std::string& why);

// A snapshot's value as it is sealed in its file, byte for byte: written again, it has the same id in a
// pack. Where the file is damaged, encoded anew.
Result<std::string> document_of(Vault::State& vault, const Snapshot& snapshot);

} // namespace respawn::vault
