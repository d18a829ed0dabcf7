// Constants of the vault format that more than one file needs; docs/vault-format.md has them all.
#pragma once

#include "vault/object.h"

#include <string>
#include <string_view>

namespace respawn::vault {

inline constexpr std::uint8_t format_version = 1;

inline constexpr std::size_t max_blob = 16 << 20;    // plain bytes of one blob
inline constexpr std::size_t pack_target = 16 << 20; // a pack is closed once it has this many bytes
inline constexpr std::size_t most_in_pack = 1 << 16; // … or this many blobs: its directory takes memory
inline constexpr std::size_t max_pack = 64 << 20;    // a longer file is no pack
inline constexpr std::size_t max_document = 64 << 20; // a longer snapshot or index file is none

struct PackId {
    std::array<unsigned char, 16> bytes{};
    auto operator<=>(const PackId&) const = default;
};

template <class Id> std::string_view view(const Id& id) {
    return { reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size() };
}
// From exactly 16 bytes.
template <class Id> Id id_from(std::string_view bytes) {
    Id id;
    bytes.copy(reinterpret_cast<char*>(id.bytes.data()), id.bytes.size());
    return id;
}

// Ids are random or keyed hashes, so any 8 bytes of one are a hash.
struct IdHash {
    template <class Id> std::size_t operator()(const Id& id) const {
        std::uint64_t hash = 0;
        view(id).copy(reinterpret_cast<char*>(&hash), sizeof hash);
        return hash;
    }
};

std::string pack_name(const PackId& id);               // "packs/8a/8a03…"
Result<PackId> pack_from_name(std::string_view name);  // Kind::corrupt for another name
std::string snapshot_name(std::string_view snapshot);  // "snapshots/01j…": names are lower case
std::string snapshot_from_name(std::string_view name); // the ULID, or empty for another name

// Where a blob lies: as directories, index files and the merged index say it.
struct PackEntry {
    ChunkId id;
    std::uint32_t offset = 0; // of the frame
    std::uint32_t length = 0; // of the whole frame
    std::uint32_t flags = 0;  // bits 0-7 the BlobKind, bit 8 compressed
    bool operator==(const PackEntry&) const = default;
};
inline BlobKind kind_of(const PackEntry& entry) { return static_cast<BlobKind>(entry.flags & 0xff); }

// A pack as an index file describes it.
struct PackRecord {
    PackId id;
    std::string sha256; // 32 bytes
    std::uint64_t size = 0;
    std::vector<PackEntry> entries;
};

Error damaged(std::string why);

} // namespace respawn::vault
