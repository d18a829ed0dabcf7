// The parts of a check. Each adds to one report what it finds.
#pragma once

#include "vault/codec.h"
#include "vault/state.h"

#include <map>

namespace respawn::vault {

// A pack with a fault, and which of its blobs are sound all the same.
struct FaultyPack {
    std::size_t damage = 0; // position in the report
    std::string why;
    std::unordered_set<ChunkId, IdHash> sound;
};

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

    // A second look, after repair: packs that were faulty are, and what was not there is read whole.
    const std::unordered_map<PackId, FaultyPack, IdHash>* known_faults = nullptr;
    const std::unordered_set<PackId, IdHash>* known_packs = nullptr;

    // ---- found on the way ----
    std::unordered_map<PackId, FaultyPack, IdHash> faulty = {}; // that the index names
    std::unordered_set<PackId, IdHash> read_packs = {};         // whole
    std::map<std::string, std::size_t> damaged_index = {};      // files, and their damage
    std::size_t unread_unindexed = 0; // packs that neither an index file nor they themselves explain
    std::unordered_set<ChunkId, IdHash> needed_lost = {};
    std::unordered_set<std::size_t> settled = {}; // damage that hurts nothing any more
    BadPlaces bad;                                // blobs that are not sound where the index says
    std::unordered_map<ChunkId, std::size_t, IdHash> lost = {}; // no sound copy: position in damage
    std::unordered_set<PackId, IdHash> needed_unindexed = {};
    std::unordered_map<std::size_t, std::uint64_t> unnamed_hurts = {}; // beyond those listed
    std::vector<Snapshot> snapshots = {};
    bool unreadable_snapshots = false;

    // A file of the vault, whole; what it is longer than `limit` is left out.
    Result<std::string> read(std::string_view name, std::size_t limit);
    // These bytes more have been read.
    void count_read(std::uint64_t bytes);
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
// Damaged packs and index files whose content lies elsewhere as well, or is needed by nobody, become
// notes: a later prune removes them.
Result<void> settle_superseded(Check& check);
// All of it, in order.
Result<void> run_check(Check& check);
// All that snapshots need.
Result<void> check_reachable(Check& check);

} // namespace respawn::vault
