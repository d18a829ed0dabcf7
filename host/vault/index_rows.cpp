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

// Finds where an id stands. Ids are keyed hashes, so its value tells the
// place, to about the root of their number; other ids are found as well, in more steps.
class Search {
  public:
    Search(const IndexColumns& rows, const ChunkId& id)
        : rows_(rows), size_(rows.size()), id_(split(id)) {}

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
    bool is_below(std::size_t at) const {
        const auto first = rows_.first(at);
        return first < id_.first || (first == id_.first && rows_.second(at) < id_.second);
    }
    bool is_it(std::size_t at) const {
        return rows_.first(at) == id_.first && rows_.second(at) == id_.second;
    }

    const IndexColumns& rows_;
    std::size_t size_;
    Halves id_;
};

} // namespace

ChunkId IndexColumns::id(std::size_t at) const { return joined(firsts_[at], seconds_[at]); }

IndexRow IndexColumns::row(std::size_t at) const {
    const auto& place = places_[at];
    return { id(at), place.pack, place.offset, place.length, place.flags };
}

std::array<std::string, 3> IndexColumns::encode(const std::vector<IndexRow>& rows) {
    std::array<std::string, 3> columns;
    const auto append = [](std::string& column, const auto& item) {
        column.append(reinterpret_cast<const char*>(&item), sizeof item);
    };
    for (const auto& row : rows) {
        const auto id = split(row.id);
        append(columns[0], id.first);
        append(columns[1], id.second);
        append(columns[2], IndexPlace{ row.pack, row.offset, row.length, row.flags });
    }
    return columns;
}

std::size_t IndexRows::group_end(std::size_t at) const {
    return Search(columns_, id(at)).end(first_ + at) - first_;
}

IndexRows IndexRows::find(const ChunkId& id) const {
    const Search search(columns_, id);
    const auto first = search.begin();
    return { columns_, first, search.end(first) };
}

} // namespace respawn::vault
