// Pendings: how a backup tells prune that it is there. A backup writes its pending first and only then
// lists prune's marks; prune writes its marks first and only then lists pendings. Both write before
// they read, so one always sees the other (docs/vault-format.md: Pruning). How a pending ended is
// settled by one file that only one of the two can create, so that a backup that was given up can never
// count.
#pragma once

#include "vault/state.h"

#include <chrono>

namespace respawn::vault {

// How it ended: with a snapshot, or given up.
struct Ending {
    std::string snapshot;  // its id; empty when given up
    ChunkId copy;          // the snapshot's document in a pack
    std::string tombstone; // what its tombstone is called: where it is, the snapshot was removed since
};

// A backup's own.
class Pending {
  public:
    // Writes it. What killed backups of this cache folder left is settled first.
    static Result<Pending> begin(Vault::State& vault);
    Pending(Pending&&) noexcept = default;

    const std::string& id() const { return id_; }
    // A sign of life, when the last one is old. Cheap otherwise.
    Result<void> stay_alive();
    // Kind::timeout when prune has given this backup up. To be asked before index files are written,
    // which else might name packs that prune has deleted.
    Result<void> must_be_open() const;
    // From here on the snapshot counts, even if this process dies before it has written its file.
    // Kind::timeout when prune has given this backup up.
    Result<void> commit(const Snapshot& snapshot, const ChunkId& copy);
    // For what stores without a snapshot (replicate, repair): what it stored counts by its index files.
    Result<void> end_without_snapshot();
    // The snapshot's file is there.
    void done();

  private:
    Pending(Vault::State& vault, std::string id, io::FileLock alive);
    Result<void> sign();

    Vault::State* vault_;
    std::string id_;
    io::FileLock alive_; // held while the process lives
    unsigned signs_ = 0;
    std::chrono::steady_clock::time_point last_sign_;
};

// Settles what backups of this cache folder left when they were killed: those that had not come to
// their commit are given up, the others get their snapshot's file.
Result<void> settle_killed(Vault::State& vault);

// A pending as prune sees it.
struct Seen {
    std::string id;
    std::optional<Moment> last_sign; // by the location's clock; none when it cannot be read
    std::optional<Ending> ending;    // none while it is open, or its file cannot be read
    bool begun = false;              // its first file is there
    std::vector<std::string> files;  // the first file and signs of life
    std::string ending_file;         // empty when there is none
    bool open() const { return begun && !ending; }
};
Result<std::vector<Seen>> list_pendings(Vault::State& vault);

// Ends it without a snapshot. False when it has ended otherwise.
Result<bool> give_up(Vault::State& vault, const std::string& pending);
// Writes the file of a snapshot that was committed, unless it is there or was removed on purpose.
Result<void> complete(Vault::State& vault, const Ending& ending);

// What is wrong with a file of pending/; empty when nothing is.
std::string pending_fault(Vault::State& vault, std::string_view name, std::string_view bytes);

} // namespace respawn::vault
