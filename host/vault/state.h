// What a Vault holds while it is open. Files of this folder alone include it.
#pragma once

#include "base/thread_pool.h"
#include "base/value.h"
#include "vault/codec.h"
#include "vault/index_file.h"
#include "vault/keys.h"
#include "vault/latest.h"
#include "vault/merged_index.h"
#include "vault/pack.h"
#include "vault/vault.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace respawn::vault {

// One place of a blob.
struct Place {
    PackId pack;
    std::uint64_t pack_size = 0;
    std::uint32_t offset = 0, length = 0, flags = 0;
};

struct Vault::State {
    State(std::shared_ptr<location::Location> at, Keyring keys, Unlock with, io::Path folder,
          io::Path shared_folder);
    ~State();

    std::shared_ptr<location::Location> location;
    Keyring keyring;
    Unlock unlock;
    Identifier identify;
    io::Path cache;
    io::Path memory;    // shared with the vault's other locations
    std::string hex_id; // the vault's, as hex
    MergedIndex index;
    std::vector<Damage> index_damage; // index files that could not be read

    // Packs that no index file names, read themselves: only when something is missing, or for a backup.
    struct Recovered {
        PackRecord record;
        bool sound = false; // every byte of it
    };
    std::vector<Recovered> recovered;
    std::unordered_multimap<ChunkId, Place, IdHash> recovered_places;
    bool looked_for_unindexed = false;

    // Reading is done on many threads; what they share is held by this.
    mutable std::mutex shared;
    // The keyring may be read anew by any of them. Taken in this order, after `shared`.
    std::mutex refreshing;
    mutable std::mutex keys_lock;
    std::unordered_map<PackId, crypto::Key, IdHash> pack_keys;
    Latest<std::string> blobs;
    Latest<ContentList> lists;
    ThreadPool readers;

    // ---- other locations (siblings.cpp) ----

    struct Asked {
        Sibling sibling;
        bool tried = false;
        std::shared_ptr<Vault> vault; // null while it is not open, or does not open
        bool told = false;
    };
    std::mutex asking; // taken before `shared`
    std::vector<Asked> siblings;
    std::atomic<int> alone = 0; // above 0: what is here is looked at, and siblings are not asked
    std::vector<std::string> warnings;
    std::set<std::pair<PackId, ChunkId>> met_damaged; // while reading; kept for the next backup

    Vault* open_sibling(Asked& asked);
    Result<std::string> ask_siblings(const ChunkId& id, BlobKind kind, const Error& reason);
    // From whichever sibling has it; `reason` is why it is not here, and the answer when none has it.
    Result<std::string> blob_elsewhere(const ChunkId& id, BlobKind kind, const Error& reason);
    Result<Snapshot> snapshot_elsewhere(std::string_view id, const Error& reason);
    // Snapshots of siblings that are not among these ids and were not removed here.
    Result<std::vector<Snapshot>> snapshots_elsewhere(const std::vector<std::string>& known);
    void meet_damage(const Place& place, const ChunkId& id);
    void remember_met_damage();

    // ---- index (index_sync.cpp) ----

    // Merges index files that are new at the location; starts anew when some have gone.
    Result<void> refresh_index();
    // The same, cheap when nothing has changed; false then.
    Result<bool> follow_index();
    // The same without trusting what is cached.
    Result<void> rebuild_index();
    // Reads the packs of a listing that no index file names. `damage` takes those that are not sound.
    Result<void> recover_unindexed(const std::vector<location::Entry>& packs,
                                   std::vector<Damage>* damage);
    std::vector<Place> places(const ChunkId& id) const;

    // ---- reading (read.cpp); thread-safe, unless a check is under way or a backup begins or ends ----

    Result<PackOpener> opener(const PackId& pack, std::uint64_t pack_size);
    // A stretch of a pack, which must be there whole.
    Result<std::string> read_pack_range(const PackId& pack, std::uint64_t offset, std::size_t length);
    Result<std::string> blob_at(const Place& place, const ChunkId& id, BlobKind kind);
    // Here, else from a sibling.
    Result<std::string> blob(const ChunkId& id, BlobKind kind);
    Result<std::string> own_blob(const ChunkId& id, BlobKind kind);
    // From where the index says; Kind::missing when it says nothing.
    Result<std::string> indexed_blob(const ChunkId& id, BlobKind kind);
    // Looks at the location anew for what the index does not know.
    Result<bool> search_unindexed();
    Result<std::shared_ptr<const std::string>> cached_blob(const ChunkId& id, BlobKind kind);
    Result<std::shared_ptr<const ContentList>> cached_list(const ChunkId& id);
    Result<Tree> tree(const ChunkId& id);
    Result<void> read(const Content& content, io::Sink& to, const Vault::AtHand& at_hand = {});
    Result<std::string> read_range(const Content& content, std::uint64_t offset, std::size_t size);
    Result<std::string> read_stretch(const Content& content, std::uint64_t offset, std::size_t size);
    Result<ChunkAt> chunk_at(const Content& content, std::uint64_t offset);

    // ---- snapshots (snapshots.cpp) ----

    // Ids of the snapshot files, oldest first.
    Result<std::vector<std::string>> snapshot_ids();
    // From its file alone.
    Result<Snapshot> snapshot_from_file(std::string_view id);
    // From the file that repair has written beside a damaged one.
    Result<Snapshot> snapshot_from_copy(std::string_view id);
    // From its copy in a pack.
    Result<Snapshot> snapshot_from_pack(std::string_view id);
    // From either; from a sibling, where both are damaged.
    Result<Snapshot> snapshot(std::string_view id);
    Result<std::vector<Snapshot>> snapshots(std::vector<Damage>* damaged);

    // ---- keys (key_slots.cpp) ----

    // Reads the keyring anew when another host has written a newer one. Kind::denied when what opened
    // the vault no longer does.
    Result<void> refresh_keyring();
    // The same before a file is opened that is sealed under an epoch not known here.
    Result<void> meet_epoch(std::optional<std::uint32_t> epoch);
    Result<void> meet_document(std::string_view bytes); // docs/vault-format.md §7
    Result<void> meet_pack(std::string_view bytes);     // §6
    // A copy, for threads that read while another one may read the keyring anew.
    Result<Keyring> keyring_for_document(std::string_view bytes);
    Result<Keyring> keyring_for_pack(std::string_view bytes);
    // Writes the next slot file with what `change` makes of the newest keyring; nothing when that is
    // nothing, unless it is to be written anyway.
    Result<void> change_keys(const std::function<Result<void>(Keyring&)>& change, bool anyway = false);

    // ---- slots and README (vault.cpp) ----

    // Writes what a killed `create` or change of keys did not come to, or what was lost: the copy of
    // the slot file in force, README.
    Result<void> complete_creation();
};

// Blobs that check found damaged where they lie: a backup stores them again. Kept in the cache.
using BadPlaces = std::set<std::pair<PackId, ChunkId>>;
BadPlaces read_bad_places(const Vault::State& state);
Result<void> write_bad_places(const Vault::State& state, const BadPlaces& places);

// While one is there, siblings are not asked.
class Alone {
  public:
    explicit Alone(Vault::State& state) : state_(state) { ++state_.alone; }
    ~Alone() { --state_.alone; }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

  private:
    Vault::State& state_;
};

crypto::Key cache_key(const Keyring& keyring);

} // namespace respawn::vault
