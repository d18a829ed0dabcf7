// What removing snapshots, bringing them back and freeing space say of themselves.
#pragma once

#include "base/time.h"
#include "vault/object.h"

namespace respawn::vault {

struct PruneOptions {
    double max_unused = 0.05; // of the bytes in packs; more is rewritten
    Duration grace = std::chrono::hours(24);
    // A backup that gave no sign of life for so long is given up; it then fails when it comes back.
    Duration patience = std::chrono::hours(48);
    bool dry_run = false;
    bool despite_clock = false; // a person has looked: the location's clock is right
};

struct PruneReport {
    std::uint64_t snapshots = 0;       // that need something, those within the grace time included
    std::uint64_t in_grace = 0;        // of these
    std::uint64_t packs = 0;           // there are, before
    std::uint64_t used_bytes = 0;      // that snapshots need
    std::uint64_t unused_bytes = 0;    // that none needs, before
    std::uint64_t deleted_packs = 0;   // or to be deleted, in a dry run
    std::uint64_t rewritten_packs = 0; // of these: those with something in them that is needed
    std::uint64_t copied_bytes = 0;    // out of rewritten packs
    std::uint64_t freed_bytes = 0;
    std::vector<std::string> waits_for; // backups in progress: the rest is deleted when they are done
    std::vector<std::string> given_up;  // backups that gave no sign of life
    std::vector<std::string> notes;
};

// What verifying a snapshot has shown: brought back to a scratch place and looked at.
struct Proof {
    std::string snapshot; // id
    Moment at;
    std::string host;
    std::int64_t duration = 0; // of bringing it back, in microseconds
    bool passed = false;
    Value detail; // docs/verifying.md
};

// A snapshot that was removed, as long as it can be brought back.
struct Removed {
    Snapshot snapshot;
    Moment removed, until; // by the location's clock
    std::string why;
};

} // namespace respawn::vault
