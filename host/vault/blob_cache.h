// The blobs read last, up to a number of bytes.
#pragma once

#include "vault/format.h"

#include <list>
#include <memory>
#include <unordered_map>

namespace respawn::vault {

class BlobCache {
  public:
    explicit BlobCache(std::size_t limit) : limit_(limit) {}
    // Null when it is not here.
    std::shared_ptr<const std::string> get(const ChunkId& id);
    std::shared_ptr<const std::string> put(const ChunkId& id, std::string bytes);

  private:
    struct Held {
        ChunkId id;
        std::shared_ptr<const std::string> bytes;
    };
    std::size_t limit_, used_ = 0;
    std::list<Held> order_; // newest first
    std::unordered_map<ChunkId, std::list<Held>::iterator, IdHash> held_;
};

} // namespace respawn::vault
