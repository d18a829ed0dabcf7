// Contents whose cut points are the caller's: what is cut where the data says (a table's rows, by their
// keys) shares blocks with what it was before. They are contents like all others, and readers need not
// know.
#pragma once

#include "vault/content_lists.h"
#include "vault/vault.h"

namespace respawn::vault {

// A longer block is stored as several chunks of this size, the last one shorter.
inline constexpr std::size_t longest_chunk = 4 << 20;

// Several, each on a thread of its own, may write into one Writer.
class BlockWriter {
  public:
    explicit BlockWriter(Writer& into);
    // A chunk of its own, not empty.
    Result<void> add(std::string_view block);
    std::uint64_t size() const { return size_; } // of the content so far
    Result<Content> finish();

  private:
    Writer::State* writer_;
    ContentLists lists_;
    std::uint64_t size_ = 0;
};

// Counts bytes of a source that were read and not handed over, since the vault is known to have them.
void count_unchanged(Writer& writer, std::uint64_t bytes);

// The chunk in which this place of a content lies; `size` is that of the chunk, and it begins at
// `begin`. Kind::corrupt outside the content.
struct ChunkAt {
    ChunkId id;
    std::uint64_t begin = 0, size = 0;
    bool whole = true; // nothing is laid over it, so that its id tells all of its bytes
};
Result<ChunkAt> chunk_at(Vault& vault, const Content& content, std::uint64_t offset);

// A stretch of a content, read on all cores and with neighbours at once; shorter at the end. Like
// Vault::read_range, which is better for what lies in one chunk.
Result<std::string> read_stretch(Vault& vault, const Content& content, std::uint64_t offset,
                                 std::size_t size);

} // namespace respawn::vault
