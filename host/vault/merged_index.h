// The merged index: one sorted file in the local cache, mapped into memory, so that memory stays flat
// however large the vault. It is made from index files alone and can be lost at any time. A keyed
// checksum tells a damaged or foreign one.
#pragma once

#include "crypto/crypto.h"
#include "io/file.h"
#include "vault/index_rows.h"

#include <memory>
#include <span>

namespace respawn::vault {

struct PackRow {
    PackId id;
    std::array<unsigned char, 32> sha256{};
    std::uint64_t size = 0;
};
static_assert(sizeof(PackRow) == 56);

using IndexFileId = std::array<char, 16>;

// A head of one page, the columns of the rows, packs, ids of index files.
struct IndexHead {
    static constexpr std::size_t size = 4096;
    std::array<char, 32> checksum{}; // HMAC of the page's rest and of the hashes of all behind it
    std::array<char, 8> magic{ 'R', 'S', 'P', 'M', 1, 0, 0, 0 };
    std::uint64_t rows = 0, room = 0, packs = 0, files = 0; // room: for rows

    // Where each of the columns begins, and where the packs do.
    std::array<std::uint64_t, 4> parts() const {
        return { size, size + 8 * room, size + 16 * room, size + 32 * room };
    }
    // The page, with its checksum; `hashes` are the SHA-256 of each of the parts.
    std::string sealed(const crypto::Key& key, std::string_view hashes) const;
};
static_assert(sizeof(IndexHead) <= IndexHead::size);

class MergedIndex {
  public:
    // An index of nothing.
    MergedIndex();
    // Kind::missing, or Kind::corrupt for damage or another vault's.
    static Result<MergedIndex> open(const io::Path& file, const crypto::Key& key);
    // The same without looking at its bytes: for a file that was written by the caller just now.
    static Result<MergedIndex> map(const io::Descriptor& file, const io::Path& path);
    // True when the file that lies there now is the one that was opened.
    bool lies_at(const io::Path& file) const;

    // All places of one blob; several when two backups stored it at the same time.
    IndexRows find(const ChunkId& id) const { return sought_.find(id); }
    // For going through them in order.
    const IndexRows& rows() const { return rows_; }
    std::span<const PackRow> packs() const { return packs_; }
    // Ids of the index files that are merged here, sorted.
    std::span<const IndexFileId> files() const { return files_; }

  private:
    struct Mapping;
    std::shared_ptr<Mapping> mapping_;
    IndexRows rows_, sought_; // the same, mapped twice: the system reads ahead of the first alone
    std::span<const PackRow> packs_;
    std::span<const IndexFileId> files_;
};

} // namespace respawn::vault
