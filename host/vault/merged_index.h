// The merged index: one sorted file in the local cache, mapped into memory, so that memory stays flat
// however large the vault. It is made from index files alone and can be lost at any time. A keyed
// checksum tells a damaged or foreign one.
#pragma once

#include "crypto/crypto.h"
#include "io/file.h"
#include "vault/format.h"

#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace respawn::vault {

// As the file holds it.
struct IndexRow {
    ChunkId id;
    std::uint32_t pack = 0; // position in packs()
    std::uint32_t offset = 0, length = 0, flags = 0;
    auto operator<=>(const IndexRow&) const = default;
};
static_assert(sizeof(IndexRow) == 32);

struct PackRow {
    PackId id;
    std::array<unsigned char, 32> sha256{};
    std::uint64_t size = 0;
};
static_assert(sizeof(PackRow) == 56);

class MergedIndex {
  public:
    // An index of nothing.
    MergedIndex();
    // Kind::missing, or Kind::corrupt for damage or another vault's.
    static Result<MergedIndex> open(const io::Path& file, const crypto::Key& key);

    // All places of one blob; several when two backups stored it at the same time.
    std::span<const IndexRow> find(const ChunkId& id) const;
    std::span<const IndexRow> rows() const { return rows_; }
    std::span<const PackRow> packs() const { return packs_; }
    // Ids of the index files that are merged here, sorted; 16 bytes each.
    std::span<const std::array<char, 16>> files() const { return files_; }

  private:
    struct Mapping;
    std::shared_ptr<Mapping> mapping_;
    std::span<const IndexRow> rows_;
    std::span<const PackRow> packs_;
    std::span<const std::array<char, 16>> files_;
};

// Collects what index files say and merges it into the file, in portions, so that memory stays flat.
class IndexMerge {
  public:
    IndexMerge(io::Path file, crypto::Key key, MergedIndex onto);
    // What the index file `id` says.
    Result<void> add(std::string_view id, const std::vector<PackRecord>& packs);
    // The file with everything added, mapped.
    Result<MergedIndex> finish();

  private:
    Result<void> flush();
    std::uint32_t number_of(const PackRecord& pack);

    io::Path file_;
    crypto::Key key_;
    MergedIndex base_;
    std::vector<IndexRow> rows_;
    std::vector<PackRow> packs_; // all: those of base_, then new ones
    std::vector<std::array<char, 16>> files_;
    std::unordered_map<PackId, std::uint32_t, IdHash> numbers_;
};

} // namespace respawn::vault
