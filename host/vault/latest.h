// What was read last, by the id of its blob, up to a number of bytes. Not thread-safe.
#pragma once

#include "vault/format.h"

#include <list>
#include <memory>
#include <unordered_map>

namespace respawn::vault {

template <class T> class Latest {
  public:
    explicit Latest(std::size_t limit) : limit_(limit) {}

    // Null when it is not here.
    std::shared_ptr<const T> get(const ChunkId& id) {
        const auto found = held_.find(id);
        if (found == held_.end())
            return nullptr;
        order_.splice(order_.begin(), order_, found->second);
        return order_.front().value;
    }

    // `bytes`: what it counts for. One that is larger than the limit is held alone.
    std::shared_ptr<const T> put(const ChunkId& id, T value, std::size_t bytes) {
        if (auto known = get(id))
            return known;
        used_ += bytes;
        order_.push_front({ id, std::make_shared<const T>(std::move(value)), bytes });
        held_[id] = order_.begin();
        while (used_ > limit_ && order_.size() > 1) {
            used_ -= order_.back().bytes;
            held_.erase(order_.back().id);
            order_.pop_back();
        }
        return order_.front().value;
    }

  private:
    struct Held {
        ChunkId id;
        std::shared_ptr<const T> value;
        std::size_t bytes = 0;
    };
    std::size_t limit_, used_ = 0;
    std::list<Held> order_; // newest first
    std::unordered_map<ChunkId, typename std::list<Held>::iterator, IdHash> held_;
};

} // namespace respawn::vault
