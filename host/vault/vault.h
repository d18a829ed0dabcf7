// A vault: the encrypted, deduplicated repository at one location. A backup begins a Writer, stores
// contents and trees, and finishes with a snapshot; every crash before that leaves only packs that
// nothing refers to and that the next backup reuses. Reading needs no lock, writing neither; many
// processes may have the same vault open. Several threads may read, or store into one Writer.
#pragma once

#include "base/cancel.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "io/file.h"
#include "io/stream.h"
#include "location/location.h"
#include "vault/keeping.h"
#include "vault/object.h"
#include "vault/unlock.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace respawn::vault {

struct Counters {
    std::uint64_t read_bytes = 0;   // plain bytes handed to store()
    std::uint64_t reused_bytes = 0; // of these, already in the vault
    std::uint64_t stored_bytes = 0; // written to the location
    std::uint64_t new_blobs = 0, packs = 0;
};

struct Damage {
    std::string object; // "packs/8a/8a03…", "index/…", "keys/0001", "blob 3f…"
    std::string why;
    std::vector<std::string>
        hurts; // "snapshot 01J… component memory: notes/a.txt"; empty: nothing needs it
};

struct CheckReport {
    std::uint64_t snapshots = 0, packs = 0, blobs = 0, bytes_read = 0;
    std::vector<Damage> damage;
    std::vector<std::string> notes; // leftovers of killed backups and the like: no fault
    // Bytes in packs, and of these the ones that a check with this cache folder read in the last 30
    // days.
    std::uint64_t pack_bytes = 0, lately_read_bytes = 0;
};

enum class CheckDepth { structure, read_data };

using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct ReplicateReport {
    std::vector<std::string> copied; // snapshots, by id
    std::vector<Damage> failed;      // snapshots that could not be read where they were copied from
    std::uint64_t healed = 0;        // blobs that this location had lost
    std::uint64_t blobs = 0, stored_bytes = 0;
};

struct RepairOptions {
    CheckDepth depth = CheckDepth::read_data;
    bool dry_run = false;
};

struct RepairReport {
    std::vector<std::string> mended; // "packs/8a/…: 12 blobs read from nas", or what would be
    std::vector<Damage> left;        // what is still damaged, whom it hurts
    std::uint64_t found = 0;         // damaged objects before
    std::uint64_t blobs = 0, stored_bytes = 0;
};

// What a new snapshot says of itself; the vault fills id, writer, number, previous, times and counters.
struct SnapshotDraft {
    std::string game, environment, plan, type, note;
    Moment started;
    std::vector<ComponentRecord> components;
    Value report;
    // The moment that something imported is of, which may lie before the writer's last snapshot: then
    // the snapshot is the only one of a writer of its own, so that each writer's times rise.
    std::optional<Moment> moment = {};
};

// One of the keys that open a vault.
struct KeySlot {
    std::string id; // 16 hex digits
    SlotKind kind = SlotKind::key_file;
    std::string label;
    Moment created;
    Moment confirmed;     // of a recovery key: when a person showed that it is stored; or 0
    std::string replaces; // id of the key that this one takes the place of; it may be gone
    bool opened = false;  // it opened the vault this time
};

class Writer;
class Vault;

// Another location of the same vault: asked for what is missing or damaged here.
struct Sibling {
    std::string name;
    std::shared_ptr<location::Location> location;
    std::function<Result<std::shared_ptr<Vault>>()> open; // called once, when it is first needed
};

class Vault {
  public:
    // Makes a vault in an empty or missing place: key slot, README. Kind::conflict when files are
    // there. `cache` is a local folder of its own for the merged index; losing it loses nothing.
    // `memory` is a folder that all locations of one vault share on this machine, for what it has
    // written last; the cache folder when left out.
    static Result<std::unique_ptr<Vault>> create(std::shared_ptr<location::Location>, const Unlock&,
                                                 io::Path cache, io::Path memory = {});
    // Kind::missing when there is no vault, Kind::denied for a wrong key, Kind::corrupt for damage.
    static Result<std::unique_ptr<Vault>> open(std::shared_ptr<location::Location>, const Unlock&,
                                               io::Path cache, io::Path memory = {});
    ~Vault();

    const std::string& id() const; // 16 bytes as hex
    std::string url() const;

    // A key of the vault's for another purpose ("journal"), the same for all that open this vault.
    crypto::Key purpose_key(std::string_view purpose) const;

    // Whole snapshots, oldest first. A damaged snapshot file is read from its pack copy; one that
    // cannot be read at all is an Error that names it, unless `damaged` takes its name. Those that
    // siblings have and this location lacks are among them, unless they were removed here.
    Result<std::vector<Snapshot>> snapshots(std::vector<Damage>* damaged = nullptr);
    // Those at this location alone.
    Result<std::vector<Snapshot>> own_snapshots(std::vector<Damage>* damaged = nullptr);

    // One blob, authenticated. Kind::missing when the index has no such id, Kind::corrupt when its
    // bytes are damaged.
    Result<std::string> blob(const ChunkId& id, BlobKind kind);
    Result<Tree> tree(const ChunkId& id);
    // The content's bytes in order.
    Result<void> read(const Content& content, io::Sink& to);
    // The same, taking from `at_hand` whatever chunk is there: it gives the bytes it has at this place
    // of the content, right or not; the chunk's id decides. It is called on several threads at once,
    // and not after read() has returned.
    using AtHand = std::function<Result<std::string>(std::uint64_t offset, std::size_t size)>;
    Result<void> read(const Content& content, io::Sink& to, const AtHand& at_hand);
    // True when all of the content is at hand; reads its lists alone.
    Result<bool> is_at_hand(const Content& content, const AtHand& at_hand);
    // Many contents, each of one chunk (depth 0), on all cores: in the order in which they lie in the
    // packs, neighbours at once. `take` gets each one's bytes, on several threads at once. The first
    // error ends it.
    using TakeContent = std::function<Result<void>(std::size_t which, std::string_view bytes)>;
    Result<void> read_small(const std::vector<Content>& contents, const TakeContent& take);
    // Any stretch of it, reading only the blobs that hold it. Shorter at the end.
    Result<std::string> read_range(const Content& content, std::uint64_t offset, std::size_t size);
    // The same for a stretch of many chunks: on all cores, and neighbours at once.
    Result<std::string> read_stretch(const Content& content, std::uint64_t offset, std::size_t size);
    // Kind::corrupt for a place outside of the content.
    Result<ChunkAt> chunk_at(const Content& content, std::uint64_t offset);

    Result<Writer> begin_backup();

    // structure: slots, README, every snapshot and index file, every pack's presence and size, and that
    // all that snapshots need is there. read_data: besides, every byte of every file, read from the
    // location and never from a cache, every blob opened and its id computed anew. With a share below
    // 1, of the packs only those read longest ago, so many of their bytes. A snapshot that is among
    // those `elsewhere`, at other locations of this vault, is missing here and not gone. Damage is in
    // the report; an Error means that the check itself could not go on. What it finds damaged, the next
    // backup with this cache folder stores again.
    Result<CheckReport> check(CheckDepth depth, const Cancellation& cancel,
                              const Progress& progress = {}, double share = 1,
                              std::vector<Snapshot> elsewhere = {});

    // ---- several locations of one vault (docs/locations.md) ----

    // What is missing or damaged here is read from these by its id, so the bytes are always right. Not
    // asked by a backup, a check or anything else that looks at what is here.
    void read_also(std::vector<Sibling> siblings);
    // What was read from elsewhere since this was last asked: a line for each sibling.
    std::vector<std::string> take_warnings();
    // Copies what `source` has and this location lacks: snapshots that were not removed here, oldest
    // first, each as it is; and what this location is known to have lost. Killed anywhere, the next one
    // goes on. Kind::conflict when it is another vault.
    Result<ReplicateReport> replicate_from(Vault& source, const Cancellation& cancel,
                                           const Progress& progress = {});
    // Ids of snapshots that were removed here on purpose.
    Result<std::vector<std::string>> removed_ids();
    // As the index says it; nothing for a blob that it does not know.
    std::optional<BlobKind> kind_of(const ChunkId& id) const;
    // How many blobs are known to be damaged where they lie.
    std::size_t known_damage() const;
    // Mends what check finds, from what is sound elsewhere: it writes new packs, index files and
    // snapshot files, and deletes nothing.
    Result<RepairReport> repair(const RepairOptions& options, const Cancellation& cancel,
                                const Progress& progress = {});

    // ---- keys (key_slots.cpp) ----
    // Each change is one new slot file, made on the newest there is; repeated, it changes nothing more.

    std::vector<KeySlot> keys() const;
    // By id or unique prefix.
    Result<KeySlot> find_key(std::string_view id) const;
    // A secret that opens the vault already keeps its slot.
    Result<KeySlot> add_key(const Unlock& secret, const std::string& label,
                            bool replaces_opened = false);
    // Begins a new epoch besides: what is stored from now on, the removed key never opens. What was
    // stored before it could always read. Kind::denied for the last one.
    Result<void> remove_key(std::string_view id);
    Result<void> begin_epoch();
    // A person has shown that they have it. Kind::denied when it is no recovery key of this vault.
    Result<KeySlot> confirm_recovery(const Unlock& typed);
    std::uint32_t epoch() const;
    unsigned key_file_number() const; // of the slot file in force: 3 for keys/0003

    // ---- proofs (proof_files.cpp) ----

    // Kept beside the snapshot, in a file of its own; a later one takes its place.
    Result<void> add_proof(const Proof& proof);
    // The newest of each snapshot, by its id, at this location. A damaged one is passed over.
    Result<std::map<std::string, Proof>> proofs();

    // ---- keeping (docs/keeping.md). One at a time does any of these: Kind::leased for another. ----

    // Removes snapshots, each leaving a tombstone that holds it: undelete brings it back within the
    // grace time. Space is freed by prune. Kind::moved, with nothing removed, when no good snapshot of
    // a plan and type were left, unless `last_good_too`.
    Result<void> remove(const std::vector<std::string>& ids, const std::string& why,
                        bool last_good_too = false);
    // Those that were removed and whose grace time is not over.
    Result<std::vector<Removed>> removed(Duration grace);
    // The one whose id begins so. Kind::missing when it is not known, or its data is gone.
    Result<Snapshot> undelete(std::string_view name);
    // Bytes in packs that only these snapshots need, each counted once, for the first of them.
    Result<std::vector<std::uint64_t>> freed_by(const std::vector<std::string>& going,
                                                const Cancellation& cancel);
    // Deletes what no snapshot needs. It can be interrupted anywhere; the next one continues. Backups
    // go on meanwhile. Kind::needs_person when the location's clock seems to have jumped.
    Result<PruneReport> prune(const PruneOptions& options, const Cancellation& cancel);
    // The location's clock, and what it showed when one of these was last done; none when never.
    Result<Moment> clock();
    Result<std::optional<Moment>> last_kept();

    struct State;
    const State& state() const { return *state_; } // for this folder

  private:
    explicit Vault(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// One backup in progress; its Vault must outlive it. After an error in writing to the location it does
// nothing more; an error of a source hurts that source alone. Destroyed without finish(), it leaves
// packs that nothing refers to.
class Writer {
  public:
    Writer(Writer&&) noexcept;
    ~Writer();
    Result<Content> store(io::Source& bytes);
    Result<ChunkId> store_tree(const Tree& tree);
    // True when the vault (or this backup so far) has it.
    bool has(const ChunkId& id) const;
    // True when it has all of a content, down to the last chunk: what a list names may be gone while
    // the list is still there. To be asked before a content is used that this backup has not stored.
    Result<bool> holds(const Content& content) const;
    const Counters& counters() const; // while one thread alone stores
    Vault& vault();                   // that it writes to, for reading what earlier backups stored
    // Packs, then index, then the snapshot, each durable before the next.
    Result<Snapshot> finish(SnapshotDraft draft);

    struct State;
    State& state() { return *state_; } // for this folder

  private:
    friend class Vault;
    explicit Writer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// ---- naming (vault/naming.cpp) ----

// The snapshot that a person named: an id, a unique prefix of one, "latest", "latest:PLAN", "@TIME"
// (the newest not after that moment). latest and @ mean the newest good one that holds all that `needs`
// names: components, or tables of them ("database/players"); one that took some tables only stands for
// no whole component. Kind::missing or Kind::conflict (several) with a fix that says what to type.
Result<Snapshot> find_snapshot(const std::vector<Snapshot>& snapshots, std::string_view name,
                               const std::vector<std::string>& needs, Moment present);

} // namespace respawn::vault
