// The rows of the merged index as they lie in its file, mapped into memory. Eight bytes of an id decide
// where it would stand: these lie together, so that a look-up of an id that is not there reads one
// page, and all that such look-ups touch again and again is a quarter of the file; of one that is,
// half.
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

// Rows as they lie: in blocks, of which all but the last are full. A block has first halves of ids,
// then their second halves, then places. Halves are numbers whose order is that of the ids' bytes.
class IndexBlocks {
  public:
    static constexpr std::size_t row_size = 32, rows_in_block = 1 << 16;

    IndexBlocks() = default;
    IndexBlocks(const char* bytes, std::size_t rows) : bytes_(bytes), rows_(rows) {}
    std::size_t size() const { return rows_; }
    std::uint64_t first(std::size_t at) const;
    std::uint64_t second(std::size_t at) const;
    const IndexPlace& place(std::size_t at) const;
    ChunkId id(std::size_t at) const;
    IndexRow row(std::size_t at) const;
    // One block of these rows, at most so many as it has room for.
    static std::string encode(const std::vector<IndexRow>& rows);

  private:
    template <class Item> const Item& item(std::size_t at, std::size_t column) const;
    const char* bytes_ = nullptr;
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
        Iterator(const IndexBlocks& blocks, std::size_t at) : blocks_(blocks), at_(at) {}
        IndexRow operator*() const { return blocks_.row(at_); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        Iterator operator++(int) { return { blocks_, at_++ }; }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

      private:
        IndexBlocks blocks_;
        std::size_t at_ = 0;
    };

    IndexRows() = default;
    IndexRows(const IndexBlocks& blocks, std::size_t first, std::size_t end)
        : blocks_(blocks), first_(first), end_(end) {}

    Iterator begin() const { return { blocks_, first_ }; }
    Iterator end() const { return { blocks_, end_ }; }
    std::size_t size() const { return end_ - first_; }
    bool empty() const { return first_ == end_; }
    IndexRow operator[](std::size_t at) const { return blocks_.row(first_ + at); }
    IndexRow front() const { return (*this)[0]; }
    ChunkId id(std::size_t at) const { return blocks_.id(first_ + at); }
    // Position of the first among the rows of the whole index.
    std::size_t first() const { return first_; }
    // Behind the last row that has the same id as this one.
    std::size_t group_end(std::size_t at) const;
    // Those with this id.
    IndexRows find(const ChunkId& id) const;

  private:
    IndexBlocks blocks_;
    std::size_t first_ = 0, end_ = 0;
};

} // namespace respawn::vault
