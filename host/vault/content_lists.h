// Gathers the chunks of a content into list blobs, level over level, until one root is left. Where a
// list ends is chosen by the chunks' ids, so that an insertion re-stores one list a level, not all.
#pragma once

#include "vault/codec.h"

#include <functional>

namespace respawn::vault {

class ContentLists {
  public:
    using Put = std::function<Result<ChunkId>(std::string_view list)>;
    explicit ContentLists(Put put) : put_(std::move(put)) {}
    Result<void> add(const ListItem& item) { return add(item, 0); }

    struct Root {
        ChunkId id;
        std::uint8_t depth = 0;
    };
    Result<Root> finish();

  private:
    Result<void> add(const ListItem& item, std::size_t level);
    Result<void> close(std::size_t level);

    Put put_;
    std::vector<std::vector<ListItem>> levels_;
};

} // namespace respawn::vault
