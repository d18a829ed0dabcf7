// Makes the file of the merged index from what index files say. Memory stays flat however many they
// are: rows are sorted in portions, each written beside, and all portions are merged in one go.
#pragma once

#include "vault/merged_index.h"

#include <unordered_map>
#include <vector>

namespace respawn::vault {

class IndexMerge {
  public:
    // One at a time for a file.
    IndexMerge(io::Path file, crypto::Key key, MergedIndex onto);
    // What the index file `id` says.
    Result<void> add(std::string_view id, const std::vector<PackRecord>& packs);
    // The file with everything added, mapped. Once.
    Result<MergedIndex> finish();

  private:
    Result<void> put_aside();
    std::uint32_t number_of(const PackRecord& pack);

    io::Path file_;
    crypto::Key key_;
    std::vector<MergedIndex> portions_; // the first is what all is merged onto
    std::vector<IndexRow> rows_;        // of the portion that is being collected
    std::vector<PackRow> packs_;        // all: those there were, then new ones
    std::vector<IndexFileId> files_;
    std::unordered_map<PackId, std::uint32_t, IdHash> numbers_;
};

} // namespace respawn::vault
