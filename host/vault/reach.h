// What snapshots need: a walk over their trees and lists that sets one bit for each blob of the merged
// index, so that memory stays flat however large the vault. What was walked once is not walked again.
#pragma once

#include "vault/state.h"

namespace respawn::vault {

class Reach {
  public:
    // Over the index as it is now.
    Reach(Vault::State& vault, const Cancellation& cancel);

    // All that a snapshot needs, its document's copy included. Kind::corrupt when something of it
    // cannot be read: then nobody knows what it needs.
    Result<void> add(const Snapshot& snapshot);

    const MergedIndex& index() const { return index_; }
    // `first` is the first of the rows with one id.
    bool reached(std::size_t first) const { return bits_[first / 64] >> (first % 64) & 1; }
    // Bytes that the blobs take in packs which were reached since this was last asked.
    std::uint64_t bytes_since_then();
    // Behind the last row with the same id.
    std::size_t group_end(std::size_t first) const { return index_.rows().group_end(first); }

  private:
    Result<void> walk(const Snapshot& snapshot);
    Result<bool> mark(const ChunkId& id, const IndexRows& rows);
    Result<bool> visit(const ChunkId& id);
    // A blob that names no others waits until it is looked up with many.
    void leaf(const ChunkId& id);
    void settle();
    Result<void> tree(const ChunkId& id, int depth);
    Result<void> content(const ChunkId& id, int depth);

    Vault::State& vault_;
    const Cancellation& cancel_;
    MergedIndex index_; // its own, as reading may exchange the vault's
    std::vector<std::uint64_t> bits_;
    std::vector<ChunkId> waiting_;
    std::optional<Error> missing_;       // what the walk under way needs and nobody has
    std::vector<std::uint64_t> counted_; // the bits whose bytes were told
};

} // namespace respawn::vault
