// One sorted file of rows in the vault: blocks, cut by the hashes of keys alone, and an index over
// them. A base, a run and the keys of a unique key are each such a file. For row_*.cpp;
// docs/vault-format.md (Rows of a table) has the bytes.
#pragma once

#include "base/value.h"
#include "component/row_bytes.h"
#include "vault/blocks.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace respawn::component {

// What is known of one file besides its contents; it stands in the head.
struct RowFileShape {
    std::uint64_t entries = 0;
    int levels = 0;   // of nodes between the root and the blocks
    std::string root; // the topmost node; empty for a file without entries
    Value value() const;
    static Result<RowFileShape> from(const Value& value);
};

struct StoredRowFile {
    vault::Content rows, index; // the index of size 0 when the root says it all
    RowFileShape shape;
};

class RowFileWriter {
  public:
    explicit RowFileWriter(vault::Writer& into) : rows_(into), index_(into) {}
    // Keys in order; none as row: removed. `cut` decides whether a block ends here.
    Result<void> add(std::string_view key, Cell row, std::uint64_t cut);
    Result<StoredRowFile> finish();
    std::uint64_t entries() const { return entries_; }
    std::uint64_t size() const { return rows_.size() + block_.size(); }

  private:
    // A node that is being filled.
    struct Level {
        std::string node, separator;
        std::size_t children = 0;
        std::uint64_t end = 0; // of the child before, in its content
        std::uint64_t entries = 0;
    };
    Result<void> close_block();
    Result<void> add_child(std::size_t level, std::string_view separator, std::uint64_t offset,
                           std::uint64_t length, std::uint64_t entries);
    Result<void> close_node(std::size_t level);

    vault::BlockWriter rows_, index_;
    std::string block_;
    std::string separator_;    // what the open block's keys are not below, and those before it are
    std::string last_;         // key of the block before
    std::size_t last_key_ = 0; // of the open block: where it begins
    std::size_t last_key_size_ = 0;
    std::uint64_t block_entries_ = 0, entries_ = 0;
    std::vector<Level> levels_;
};

// The same, to be read. Immutable, thread-safe.
class RowFile {
  public:
    RowFile(vault::Vault& from, StoredRowFile stored, bool keyed)
        : vault_(&from), stored_(std::move(stored)), keyed_(keyed) {}
    vault::Vault& vault() const { return *vault_; }
    const vault::Content& rows() const { return stored_.rows; }
    const vault::Content& index() const { return stored_.index; }
    const RowFileShape& shape() const { return stored_.shape; }
    bool keyed() const { return keyed_; }
    std::uint64_t bytes() const { return stored_.rows.size; }
    bool operator==(const RowFile& other) const {
        return rows() == other.rows() && index() == other.index() && shape().root == other.shape().root;
    }

  private:
    vault::Vault* vault_;
    StoredRowFile stored_;
    bool keyed_;
};

// A place in an index: one block after the other.
class RowBlocks {
  public:
    explicit RowBlocks(const RowFile& file) : file_(&file) {}
    // On to the next block, at first to the first one.
    Result<bool> next();
    // To the block in which this key would lie; false for a file without blocks.
    Result<bool> seek(std::string_view key);

    struct Child {
        std::string_view separator;
        std::uint64_t offset = 0, length = 0, entries = 0;
    };
    const Child& block() const { return path_.back().children[path_.back().at]; }
    // Blocks that follow this one directly, up to so many bytes with it: their bytes.
    std::uint64_t stretch(std::uint64_t most) const;
    // The separator of the block behind this one; none behind the last.
    std::optional<std::string> end() const;
    // Separators that part the entries into about `count` equal parts.
    Result<std::vector<std::string>> parting_keys(std::size_t count) const;

  private:
    struct Node {
        std::shared_ptr<const std::string> bytes;
        std::vector<Child> children;
        std::size_t at = 0;
    };
    Result<Node> root() const;
    Result<Node> node(const Child& child, bool over_blocks) const;
    Result<Node> parsed(std::string bytes, bool over_blocks) const;
    Result<bool> go_down();

    const RowFile* file_;
    std::vector<Node> path_;
};

// Goes through the entries of a file, forwards. It stays where it is made: its views point into it.
class RowFileCursor {
  public:
    explicit RowFileCursor(RowFile file) : file_(std::move(file)), blocks_(file_) {}
    RowFileCursor(const RowFileCursor&) = delete;

    // Views hold until the next move.
    Result<bool> next();
    // To the first entry at or behind this key; it stays where it is when that is not before the key.
    Result<bool> seek(std::string_view key);
    std::string_view key() const { return key_; }
    Cell row() const { return row_; } // none: removed
    bool is_last_of_block() const { return left_ == 0; }

  private:
    bool is_in_block(std::string_view key);
    Result<void> load();
    Result<void> read_ahead();
    Result<bool> next_in_block();

    RowFile file_;
    RowBlocks blocks_;
    std::string stretch_;             // bytes of this block and some that follow
    std::uint64_t stretch_begin_ = 0; // in the content
    std::uint64_t ahead_ = 0;         // how much is read at once
    std::string_view rest_;           // of the block
    std::uint64_t left_ = 0;          // entries in it
    std::uint64_t seen_ = 0;          // entries of all blocks so far
    enum class At { before, entry, end } at_ = At::before;
    std::string held_; // the key of the last entry of the block before
    std::string_view key_;
    Cell row_;
};

} // namespace respawn::component
