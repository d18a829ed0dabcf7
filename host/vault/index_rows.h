// The rows of the merged index as they lie in its file, mapped into memory: in columns. Eight bytes of
// an id decide where it would stand, so that a look-up of an id that is not there reads one column, a
// quarter of the file; one of an id that is there reads two, half of it.
#pragma once

#include "vault/format.h"

#include <compare>
#include <iterator>
#include <string>
#include <vector>

namespace respawn::vault {

struct IndexRow {
    ChunkId id;
    std::uint32_t pack = 0; // position in packs()
    std::uint32_t offset = 0, length = 0, flags = 0;
    auto operator<=>(const IndexRow&) const = default;
};

// Where a blob lies.
struct IndexPlace {
    std::uint32_t pack = 0, offset = 0, length = 0, flags = 0;
};

// First halves of ids, then their second halves, then places; each column has the same room, and what
// it has behind its rows is zero. Halves are numbers whose order is that of the ids' bytes.
class IndexColumns {
  public:
    static constexpr std::size_t count = 3; // of 8, 8 and 16 bytes
    static constexpr std::size_t row_size = 32;

    IndexColumns() = default;
    IndexColumns(const char* bytes, std::size_t rows, std::size_t room)
        : firsts_(reinterpret_cast<const std::uint64_t*>(bytes)), seconds_(firsts_ + room),
          places_(reinterpret_cast<const IndexPlace*>(seconds_ + room)), rows_(rows) {}
    std::size_t size() const { return rows_; }
    std::uint64_t first(std::size_t at) const { return firsts_[at]; }
    std::uint64_t second(std::size_t at) const { return seconds_[at]; }
    ChunkId id(std::size_t at) const;
    IndexRow row(std::size_t at) const;

    // What such rows are in each column.
    static std::array<std::string, 3> encode(const std::vector<IndexRow>& rows);

  private:
    const std::uint64_t *firsts_ = nullptr, *seconds_ = nullptr;
    const IndexPlace* places_ = nullptr;
    std::size_t rows_ = 0;
};

// Rows that follow each other; valid while the index is.
class IndexRows {
  public:
    class Iterator {
      public:
        using value_type = IndexRow;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        using iterator_concept = std::forward_iterator_tag;
        using reference = IndexRow;
        using pointer = void;
        Iterator() = default;
        Iterator(const IndexColumns& columns, std::size_t at) : columns_(columns), at_(at) {}
        IndexRow operator*() const { return columns_.row(at_); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        Iterator operator++(int) { return { columns_, at_++ }; }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

      private:
        IndexColumns columns_;
        std::size_t at_ = 0;
    };

    IndexRows() = default;
    IndexRows(const IndexColumns& columns, std::size_t first, std::size_t end)
        : columns_(columns), first_(first), end_(end) {}

    Iterator begin() const { return { columns_, first_ }; }
    Iterator end() const { return { columns_, end_ }; }
    std::size_t size() const { return end_ - first_; }
    bool empty() const { return first_ == end_; }
    IndexRow operator[](std::size_t at) const { return columns_.row(first_ + at); }
    IndexRow front() const { return (*this)[0]; }
    ChunkId id(std::size_t at) const { return columns_.id(first_ + at); }
    // Position of the first among the rows of the whole index.
    std::size_t first() const { return first_; }
    // Behind the last row that has the same id as this one.
    std::size_t group_end(std::size_t at) const;
    // Those with this id.
    IndexRows find(const ChunkId& id) const;

  private:
    IndexColumns columns_;
    std::size_t first_ = 0, end_ = 0;
};

} // namespace respawn::vault
