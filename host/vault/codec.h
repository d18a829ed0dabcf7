// How trees, lists and snapshots become bytes. docs/vault-format.md has the layouts.
#pragma once

#include "vault/format.h"

namespace respawn::vault {

// ---- trees ----

// Kind::usage for a tree whose names are not sorted, stand twice or could lead outside ("..", "a/b").
Result<void> must_be_tree(const Tree& tree);
std::string encode_entries_of(const Tree& tree);
Result<Tree> decode_entries_of(std::string_view bytes);

// A tree's blob holds the entries themselves, or, for a large folder, the content that holds them.
std::string encode_small_tree(std::string_view entries);
std::string encode_large_tree(const Content& entries);
struct TreeBlob {
    bool inside = true;
    std::string_view entries; // when inside; points into the blob
    Content content;          // when not
};
Result<TreeBlob> decode_tree_blob(std::string_view blob);

// ---- lists ----

// A stretch of a chunk that another blob holds: what changed since the chunk was stored. Many chunks'
// changes share one blob; each is addressed by itself.
struct Patch {
    std::uint32_t at = 0;     // in the chunk
    std::uint32_t length = 0; // not 0
    std::uint32_t offset = 0; // in the blob
    ChunkId blob;             // of kind data
    bool operator==(const Patch&) const = default;
};

struct ListItem {
    ChunkId id;
    std::uint64_t size = 0; // plain bytes of content below it
    // Of a chunk: laid over its bytes. In rising order, none over another.
    std::vector<Patch> patches = {};
    bool operator==(const ListItem&) const = default;
};
// A list that was read, with the place in the content below it at which each item begins.
struct ContentList {
    std::vector<ListItem> items;
    std::vector<std::uint64_t> begins;
    std::uint64_t size = 0;
};
inline constexpr std::uint8_t max_depth_of_lists = 8;
std::string encode_list(const std::vector<ListItem>& items);
// Kind::corrupt for an empty list, an item of no size, or patches that overlap or lie outside.
Result<std::vector<ListItem>> decode_list(std::string_view blob);

// ---- snapshots ----

std::string encode_snapshot(const Snapshot& snapshot);
Result<Snapshot> decode_snapshot(std::string_view bytes);

} // namespace respawn::vault
