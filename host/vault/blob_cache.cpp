#include "vault/blob_cache.h"

namespace respawn::vault {

std::shared_ptr<const std::string> BlobCache::get(const ChunkId& id) {
    const auto found = held_.find(id);
    if (found == held_.end())
        return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return order_.front().bytes;
}

std::shared_ptr<const std::string> BlobCache::put(const ChunkId& id, std::string bytes) {
    if (auto known = get(id))
        return known;
    used_ += bytes.size();
    order_.push_front({ id, std::make_shared<const std::string>(std::move(bytes)) });
    held_[id] = order_.begin();
    while (used_ > limit_ && order_.size() > 1) {
        used_ -= order_.back().bytes->size();
        held_.erase(order_.back().id);
        order_.pop_back();
    }
    return order_.front().bytes;
}

} // namespace respawn::vault
