// What differs between two tables. A value can only differ where one side has a file, or a block of its
// base, that the other has not: only such keys are looked at.
#include "component/row_tree_state.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace respawn::component {

namespace {

using Files = std::vector<RowFile>;

bool has(const Files& files, const RowFile& file) {
    return std::ranges::find(files, file) != files.end();
}

// Files of one side that the other side does not have.
Files apart(const Files& files, const Files& other) {
    Files found;
    for (const auto& file : files)
        if (!has(other, file))
            found.push_back(file);
    return found;
}

// What both have stands in the same order: else the newest of a key may be another one.
bool share_in_order(const Files& one, const Files& other) {
    Files in_one, in_other;
    for (const auto& file : one)
        if (has(other, file))
            in_one.push_back(file);
    for (const auto& file : other)
        if (has(one, file))
            in_other.push_back(file);
    return in_one == in_other;
}

// The keys of those blocks of one file that another has not. What both have, has the same keys in both:
// so the block that ends first cannot meet its like any more.
class UnsharedKeys {
  public:
    UnsharedKeys(const RowFile& of, const RowFile& other)
        : mine_(of), others_(other), my_blocks_(mine_), other_blocks_(others_), cursor_(mine_) {}
    UnsharedKeys(const UnsharedKeys&) = delete;

    Result<bool> next() {
        if (in_block_ && !cursor_.is_last_of_block())
            return cursor_.next();
        return TRY(find_block()) ? cursor_.seek(my_blocks_.block().separator) : Result<bool>(false);
    }
    std::string_view key() const { return cursor_.key(); }

  private:
    // To the next block of mine that the other has not.
    Result<bool> find_block() {
        in_block_ = TRY(my_blocks_.next());
        if (std::exchange(begun_, true) == false)
            other_is_there_ = TRY(other_blocks_.next());
        while (in_block_) {
            end_ = my_blocks_.end();
            while (other_is_there_ && !TRY(is_shared()) && ends_no_later())
                other_is_there_ = TRY(other_blocks_.next());
            if (!other_is_there_ || !TRY(is_shared()))
                break;
            in_block_ = TRY(my_blocks_.next());
        }
        return in_block_;
    }

    bool ends_no_later() const {
        const auto end = other_blocks_.end();
        return end && (!end_ || *end <= *end_);
    }

    Result<bool> is_shared() {
        const auto one = TRY(id_of(mine_, my_blocks_)), other = TRY(id_of(others_, other_blocks_));
        return one && one == other;
    }

    // When it tells all of the block.
    static Result<std::optional<vault::ChunkId>> id_of(const RowFile& file, const RowBlocks& blocks) {
        const auto& block = blocks.block();
        const auto chunk = TRY(file.vault().chunk_at(file.rows(), block.offset));
        const bool whole = chunk.whole && chunk.begin == block.offset && chunk.size == block.length;
        return whole ? std::optional(chunk.id) : std::nullopt;
    }

    RowFile mine_, others_;
    RowBlocks my_blocks_, other_blocks_;
    RowFileCursor cursor_;
    bool begun_ = false, in_block_ = false, other_is_there_ = false;
    std::optional<std::string> end_; // of the block of mine
};

// Rows of one side, for keys that rise.
class Rows {
  public:
    explicit Rows(const Files& files) {
        for (const auto& file : files)
            cursors_.emplace_back(file);
    }
    Result<Cell> find(std::string_view key) {
        for (auto cursor = cursors_.rbegin(); cursor != cursors_.rend(); ++cursor)
            if (TRY(cursor->seek(key)) && cursor->key() == key)
                return cursor->row();
        return Cell();
    }

  private:
    std::deque<RowFileCursor> cursors_; // oldest first
};

// The keys at which two sides may differ.
class Candidates {
  public:
    Result<void> begin(const Files& one, const Files& other) {
        const bool in_order = share_in_order(one, other);
        TRY(add(in_order ? apart(one, other) : one, one, other, in_order));
        return add(in_order ? apart(other, one) : other, other, one, in_order);
    }
    Result<bool> next() {
        for (auto* stream : std::exchange(standing_, {}))
            if (!TRY(stream->next()))
                std::erase(alive_, stream);
        const UnsharedKeys* least = nullptr;
        for (auto* stream : alive_)
            if (!least || stream->key() < least->key())
                least = stream;
        for (auto* stream : alive_)
            if (stream->key() == least->key())
                standing_.push_back(stream);
        return least != nullptr;
    }
    std::string_view key() const { return standing_.front()->key(); }

  private:
    // Two bases may have blocks in common; runs are looked at whole.
    Result<void> add(const Files& files, const Files& mine, const Files& other, bool in_order) {
        const RowFile nothing(mine.front().vault(), {}, true);
        for (const auto& file : files) {
            const bool is_base = in_order && file == mine.front();
            auto& stream = streams_.emplace_back(file, is_base ? other.front() : nothing);
            if (TRY(stream.next()))
                alive_.push_back(&stream);
        }
        return {};
    }

    std::deque<UnsharedKeys> streams_;
    std::vector<UnsharedKeys*> alive_, standing_;
};

Result<void> compare_files(const Files& one, const Files& other, const RowTree::TakeDifference& take) {
    Candidates candidates;
    TRY(candidates.begin(one, other));
    Rows before(one), after(other);
    std::string was, is;
    while (TRY(candidates.next())) {
        const auto old_row = TRY(before.find(candidates.key()));
        const auto new_row = TRY(after.find(candidates.key()));
        if (old_row == new_row)
            continue;
        was = old_row.value_or(std::string_view());
        is = new_row.value_or(std::string_view());
        TRY(take(candidates.key(), old_row ? &was : nullptr, new_row ? &is : nullptr));
    }
    return {};
}

} // namespace

Result<void> RowTree::compare(const RowTree& before, const RowTree& after, const TakeDifference& take) {
    if (before.keyed() && after.keyed())
        return compare_files(before.state().parts, after.state().parts, take);
    if (before.keyed() == after.keyed() && before.sum() == after.sum())
        return {};
    return Error{ .kind = Kind::unsupported,
                  .why = "the table has no primary key, so its rows cannot be told apart",
                  .fix = "give it a primary key, or compare the tables' rows in a copy" };
}

} // namespace respawn::component
