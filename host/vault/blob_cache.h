// The blobs read last, up to a number of bytes.
#pragma once

#include "vault/format.h"

#include <list>
#include <unordered_map>

namespace respawn::vault {

class BlobCache {
  public:
    explicit BlobCache(std::size_t limit) : limit_(limit) {}
    // Null when it is not here; valid until the next put().
    const std::string* get(const ChunkId& id);
    const std::string& put(const ChunkId& id, std::string bytes);

  private:
    struct Held {
        ChunkId id;
        std::string bytes;
    };
    std::size_t limit_, used_ = 0;
    std::list<Held> order_; // newest first
    std::unordered_map<ChunkId, std::list<Held>::iterator, IdHash> held_;
};

} // namespace respawn::vault
