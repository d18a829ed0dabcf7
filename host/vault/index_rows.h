// The rows of the merged index as they lie in its file, mapped into memory. Eight bytes of a row decide
// where an id would stand: these lie together, so that a look-up of an id that is not there reads one
// page, and all that look-ups touch again and again is a quarter of the file.
#pragma once

#include "vault/format.h"

#include <compare>
#include <iterator>

namespace respawn::vault {

struct IndexRow {
    ChunkId id;
    std::uint32_t pack = 0; // position in packs()
    std::uint32_t offset = 0, length = 0, flags = 0;
    auto operator<=>(const IndexRow&) const = default;
};

// Four pages of 4096 bytes. Ids are split in two numbers, whose order is the order of the bytes.
struct IndexBlock {
    static constexpr std::size_t rows = 512;
    struct Place {
        std::uint32_t pack = 0, offset = 0, length = 0, flags = 0;
    };
    std::array<std::uint64_t, rows> firsts{}, seconds{};
    std::array<Place, rows> places{};

    void set(std::size_t at, const IndexRow& row);
};
static_assert(sizeof(IndexBlock) == 32 * IndexBlock::rows);

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
        Iterator(const IndexBlock* blocks, std::size_t at) : blocks_(blocks), at_(at) {}
        IndexRow operator*() const { return row_at(blocks_, at_); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        Iterator operator++(int) { return { blocks_, at_++ }; }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

      private:
        const IndexBlock* blocks_ = nullptr;
        std::size_t at_ = 0;
    };

    IndexRows() = default;
    IndexRows(const IndexBlock* blocks, std::size_t first, std::size_t end)
        : blocks_(blocks), first_(first), end_(end) {}

    Iterator begin() const { return { blocks_, first_ }; }
    Iterator end() const { return { blocks_, end_ }; }
    std::size_t size() const { return end_ - first_; }
    bool empty() const { return first_ == end_; }
    IndexRow operator[](std::size_t at) const { return row_at(blocks_, first_ + at); }
    IndexRow front() const { return (*this)[0]; }
    ChunkId id(std::size_t at) const { return id_at(blocks_, first_ + at); }
    // Position of the first among the rows of the whole index.
    std::size_t first() const { return first_; }
    // Behind the last row that has the same id as this one.
    std::size_t group_end(std::size_t at) const;
    // Those with this id.
    IndexRows find(const ChunkId& id) const;

  private:
    static ChunkId id_at(const IndexBlock* blocks, std::size_t at);
    static IndexRow row_at(const IndexBlock* blocks, std::size_t at);

    const IndexBlock* blocks_ = nullptr;
    std::size_t first_ = 0, end_ = 0;
};

} // namespace respawn::vault
