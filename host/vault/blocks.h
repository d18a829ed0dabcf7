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

} // namespace respawn::vault
