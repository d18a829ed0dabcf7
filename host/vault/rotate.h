// Exchanging a vault's key file for a new one. Whatever moment it is killed at, the key file that lies
// on disk opens the vault, and doing it again finishes it.
#pragma once

#include "vault/vault.h"

namespace respawn::vault {

// A vault's location and its local cache.
struct VaultPlace {
    std::shared_ptr<location::Location> location;
    io::Path cache;
};

struct Rotation {
    io::Path old_key;        // where the old key is kept; empty when only a killed one was finished
    std::string slot;        // id of the new key
    std::uint32_t epoch = 0; // what is stored from now on is sealed under it
};

// The new key is made in FILE.next; a slot file lets both open; the old key is kept in FILE.old-NNNN;
// FILE.next takes FILE's place; a last slot file, written with FILE as it is then, takes the old key
// out and begins a new epoch.
// With several vaults that one file opens, each step is done at all of them before the next: where one
// is out of reach, nothing is exchanged.
Result<Rotation> rotate_key_file(const std::vector<VaultPlace>& places, const io::Path& file);

} // namespace respawn::vault
