// The parts of a check. Each adds to one report what it finds.
#pragma once

#include "vault/codec.h"
#include "vault/state.h"

namespace respawn::vault {

struct Check {
    Vault::State& vault;
    CheckDepth depth;
    const Cancellation& cancel;
    Progress progress;
    double share = 1;                     // of the packs, by bytes, whose every byte is read
    std::vector<Snapshot> elsewhere = {}; // at the vault's other locations
    CheckReport report = {};
    std::vector<location::Entry> files = {}; // all there are at the location
    std::uint64_t total = 0;

    // ---- found on the way ----
    BadPlaces bad; // blobs that are not sound where the index says
    std::unordered_map<ChunkId, std::size_t, IdHash> lost = {}; // no sound copy: position in damage
    std::unordered_set<PackId, IdHash> needed_unindexed = {};
    std::unordered_map<std::size_t, std::uint64_t> unnamed_hurts = {}; // beyond those listed
    std::vector<Snapshot> snapshots = {};
    bool unreadable_snapshots = false;

    // A file of the vault, whole; what it is longer than `limit` is left out.
    Result<std::string> read(std::string_view name, std::size_t limit);
    // Says where the damage stands in the report.
    std::size_t damage(std::string object, std::string why);
    void note(std::string text) { report.notes.push_back(std::move(text)); }
    void hurts(std::size_t damage, std::string what);
    std::vector<location::Entry> named(std::string_view prefix) const;
    // No backup was ever finished or begun: what is missing was never written.
    bool untouched() const { return named("packs/").empty() && named("snapshots/").empty(); }
};

// Key slots, README, tombstones, files that are none of the vault's.
Result<void> check_fixtures(Check& check);
// Packs: presence and size, and every byte of each at CheckDepth::read_data.
Result<void> check_packs(Check& check);
// Snapshot files, their copies and their numbers.
Result<void> check_snapshots(Check& check);
// All that snapshots need.
Result<void> check_reachable(Check& check);

} // namespace respawn::vault
