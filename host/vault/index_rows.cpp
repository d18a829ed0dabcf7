#include "vault/index_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace respawn::vault {

static_assert(std::endian::native == std::endian::little, "the merged index is mapped as it lies");

namespace {

// An id as two numbers.
struct Halves {
    std::uint64_t first = 0, second = 0;
    auto operator<=>(const Halves&) const = default;
};

std::uint64_t turned(std::uint64_t number) { return __builtin_bswap64(number); }

Halves split(const ChunkId& id) {
    Halves halves;
    std::memcpy(&halves, id.bytes.data(), sizeof halves);
    return { turned(halves.first), turned(halves.second) };
}

ChunkId joined(std::uint64_t first, std::uint64_t second) {
    const Halves halves{ turned(first), turned(second) };
    ChunkId id;
    std::memcpy(id.bytes.data(), &halves, sizeof halves);
    return id;
}

// Finds where an id stands among the first `size` rows. Ids are keyed hashes, so its value tells the
// place, to about the root of their number; other ids are found as well, in more steps.
class Search {
  public:
    Search(const IndexBlock* blocks, std::size_t size, const ChunkId& id)
        : blocks_(blocks), size_(size), id_(split(id)) {}

    std::size_t begin() const {
        std::size_t low = 0, high = size_; // below low all are smaller, from high on none is
        const auto guess = static_cast<std::size_t>(static_cast<unsigned __int128>(id_.first) * size_ >>
                                                    64); // NOLINT: no wider type has a name
        auto step = static_cast<std::size_t>(std::sqrt(static_cast<double>(size_))) + 1;
        if (guess < size_ && is_below(guess)) {
            for (low = guess + 1; low + step < size_ && is_below(low + step); step *= 2)
                low += step + 1;
            high = std::min(size_, low + step);
        } else {
            for (high = guess; high > step && !is_below(high - step); step *= 2)
                high -= step;
            low = high > step ? high - step : 0;
        }
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            is_below(middle) ? low = middle + 1 : high = middle;
        }
        return low;
    }

    std::size_t end(std::size_t begin) const {
        while (begin < size_ && is_it(begin))
            ++begin;
        return begin;
    }

  private:
    std::uint64_t first(std::size_t at) const {
        return blocks_[at / IndexBlock::rows].firsts[at % IndexBlock::rows];
    }
    std::uint64_t second(std::size_t at) const {
        return blocks_[at / IndexBlock::rows].seconds[at % IndexBlock::rows];
    }
    bool is_below(std::size_t at) const {
        return first(at) < id_.first || (first(at) == id_.first && second(at) < id_.second);
    }
    bool is_it(std::size_t at) const { return first(at) == id_.first && second(at) == id_.second; }

    const IndexBlock* blocks_;
    std::size_t size_;
    Halves id_;
};

} // namespace

void IndexBlock::set(std::size_t at, const IndexRow& row) {
    const auto id = split(row.id);
    firsts[at] = id.first;
    seconds[at] = id.second;
    places[at] = { row.pack, row.offset, row.length, row.flags };
}

ChunkId IndexRows::id_at(const IndexBlock* blocks, std::size_t at) {
    const auto& block = blocks[at / IndexBlock::rows];
    return joined(block.firsts[at % IndexBlock::rows], block.seconds[at % IndexBlock::rows]);
}

IndexRow IndexRows::row_at(const IndexBlock* blocks, std::size_t at) {
    const auto& place = blocks[at / IndexBlock::rows].places[at % IndexBlock::rows];
    return { id_at(blocks, at), place.pack, place.offset, place.length, place.flags };
}

std::size_t IndexRows::group_end(std::size_t at) const {
    return Search(blocks_, end_, id(at)).end(first_ + at) - first_;
}

IndexRows IndexRows::find(const ChunkId& id) const {
    const Search search(blocks_, end_, id);
    const auto first = search.begin();
    return { blocks_, first, search.end(first) };
}

} // namespace respawn::vault
