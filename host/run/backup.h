// Taking a backup: every component of the request into the vault, then the snapshot.
#pragma once

#include "run/game.h"

namespace respawn::run {

struct BackupRequest {
    std::string plan;                     // empty without one
    std::string type = "manual";          // manual, full, incremental, emergency, …: a label
    std::vector<std::string> components;  // empty: all
    std::vector<std::string> tables = {}; // of databases on servers; empty: all
    std::string note;
    std::string call; // the primitive call it was taken by, as CallName::key; empty for a person's
};

// Tells which component is being taken, how far it is.
using BackupProgress =
    std::function<void(const std::string& component, std::uint64_t done, std::uint64_t total)>;

// A component that fails is a record with its error in the snapshot, and the others are taken all the
// same. When all fail there is no snapshot, but the first error. The vault is made by the first backup.
Result<vault::Snapshot> back_up(Game& game, const BackupRequest& request, const Cancellation& cancel,
                                const BackupProgress& progress);

} // namespace respawn::run
