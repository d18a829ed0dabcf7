// A set of blob ids that takes little more memory than the ids: a table in which an id stands at its
// hash or behind.
#pragma once

#include "vault/format.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace respawn::vault {

class IdSet {
  public:
    void insert(const ChunkId& id) {
        if (contains(id))
            return;
        ++size_;
        if (id == empty) {
            has_empty_ = true;
            return;
        }
        if (4 * size_ > 3 * table_.size())
            grow();
        table_[place_of(id)] = id;
    }
    bool contains(const ChunkId& id) const {
        return id == empty ? has_empty_ : !table_.empty() && table_[place_of(id)] == id;
    }
    std::size_t size() const { return size_; }
    void clear() { *this = IdSet(); }

  private:
    static constexpr ChunkId empty{};

    // Where it stands, or would.
    std::size_t place_of(const ChunkId& id) const {
        auto at = IdHash()(id) % table_.size();
        while (table_[at] != empty && table_[at] != id)
            at = (at + 1) % table_.size();
        return at;
    }

    void grow() {
        const auto old =
            std::exchange(table_, std::vector<ChunkId>(std::max<std::size_t>(64, 2 * table_.size())));
        for (const auto& id : old)
            if (id != empty)
                table_[place_of(id)] = id;
    }

    std::vector<ChunkId> table_; // its size is a power of two
    std::size_t size_ = 0;
    bool has_empty_ = false;
};

} // namespace respawn::vault
