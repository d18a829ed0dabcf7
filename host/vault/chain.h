// Who writes, and how far it has come: the writer's name, its last number and time, kept in the memory
// folder so that neither a clock that went back nor a vault that was rolled back goes unnoticed.
#pragma once

#include "vault/state.h"

namespace respawn::vault {

struct Chain {
    std::string writer; // a ULID
    std::uint64_t number = 0;
    std::int64_t started = 0;
    std::string last; // id of the snapshot with that number
};

// What the cache remembers; empty when it remembers nothing of this vault.
Chain remembered_chain(const Vault::State& state);
// The same, brought up to date from the vault's snapshots, with a new writer where there was none.
Result<Chain> current_chain(Vault::State& state);
Result<void> remember_chain(const Vault::State& state, const Chain& chain);

} // namespace respawn::vault
