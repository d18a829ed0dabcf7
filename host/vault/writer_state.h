// What a Writer holds during one backup. Files of this folder alone include it.
#pragma once

#include "vault/chain.h"
#include "vault/chunker.h"
#include "vault/id_set.h"
#include "vault/pack_writer.h"
#include "vault/pending.h"
#include "vault/state.h"

namespace respawn::vault {

struct Writer::State {
    // What is stored may come on several threads: what they share is held by this, and ids are made
    // outside of it. Taken before Vault::State::shared.
    mutable std::mutex sharing;
    std::mutex cutting; // the chunker takes one source at a time; taken before `sharing`

    explicit State(Vault::State& of)
        : vault(of), chunker(of.keyring.chunker), packs(of.keyring, of.identify, *of.location) {}

    Vault* owner = nullptr; // whose backup it is
    Vault::State& vault;
    Alone alone{ vault };           // a backup relies on what is here
    std::optional<Pending> pending; // goes behind the packs that are still being written
    Chunker chunker;
    PackWriter packs;
    std::vector<PackRecord> unindexed; // durable, and in no index file yet
    IdSet stored;                      // by this backup, not yet in the merged index
    // Indexed, but gone from the location, cut short or marked by prune.
    std::unordered_set<PackId, IdHash> absent;
    BadPlaces damaged; // what check found
    Counters counters;
    std::uint64_t index_bytes = 0; // of the files written beside packs
    // After a failed write nothing more is written: a snapshot must not name what is not there.
    std::optional<Error> failed;

    Result<void> begin();
    void count_read(std::uint64_t bytes, bool reused = false);
    // Those named so have `sharing` already.
    bool has_locked(const ChunkId& id) const;
    Result<void> put_locked(BlobKind kind, const ChunkId& id, std::string_view plain);
    bool has(const ChunkId& id) const;
    Result<bool> holds(const ChunkId& id, int depth) const;
    Result<ChunkId> put(BlobKind kind, std::string_view plain);
    // A blob as it was coded elsewhere; it was opened and is right.
    Result<void> put_coded(CodedBlob blob);
    Result<Content> store(io::Source& bytes);
    Result<ChunkId> store_tree(const Tree& tree);
    Result<void> index_written();
    Result<void> flush();
    Result<Snapshot> finish(SnapshotDraft draft);
    Result<Snapshot> number_and_name(SnapshotDraft draft, const Chain& chain);
    Result<void> publish(const std::string& id, const std::string& document);
    Result<void> create(std::string_view name, std::string_view bytes);
    Result<void> failing(Result<void> result);
};

} // namespace respawn::vault
