// A table's rows in the vault: a folder of ordinary contents that together are a sorted map from key to
// row: a base, and runs of what changed since (docs/vault-format.md, Rows of a table). A backup after
// few changes stores these alone and names the rest again; a row is found by a few small reads; every
// snapshot is complete in itself. It knows no database: keys and rows are bytes.
#pragma once

#include "component/row_bytes.h"
#include "component/row_sum.h"
#include "vault/vault.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace respawn::component {

inline constexpr std::size_t longest_key = 64 << 10;
inline constexpr std::size_t longest_row = 1 << 30;

// Writes one table as it is now. Several, each on a thread of its own, may write into one Writer.
class RowTreeWriter {
  public:
    struct Plan {
        bool keyed = true;  // else rows come in any order, with empty keys
        std::string schema; // a digest of the definition; rows of another one are never compared
        std::size_t unique_keys = 0;         // further ones, each found by keys_with()
        const vault::Tree* before = nullptr; // the table's folder in the last backup, when there is one
        io::Path state;                      // a folder of this table's own; losing it loses nothing
    };
    // `from` is the vault that `into` writes to. What cannot be used of the last backup is stored anew.
    static Result<RowTreeWriter> begin(vault::Writer& into, vault::Vault& from, Plan plan);
    RowTreeWriter(RowTreeWriter&&) noexcept;
    RowTreeWriter& operator=(RowTreeWriter&&) noexcept;
    ~RowTreeWriter();

    // Keys strictly rise by their bytes, else Kind::corrupt: then the caller's order is not what it
    // thinks. `unique`: the row's cell of each unique key, in a form in which equal is the same bytes,
    // or none for NULL. Kind::unsupported for a key or row that is longer than can be.
    Result<void> add(std::string_view key, std::string_view row, std::span<const Cell> unique = {});
    // The entries of the table's folder, sorted; the caller may add more of other names. The same as
    // before when no row has changed.
    Result<std::vector<vault::TreeEntry>> finish();

    const RowSum& sum() const;     // of the rows so far
    std::uint64_t bytes() const;   // of keys and rows so far
    std::uint64_t changed() const; // rows stored or removed so far: all, when all is stored anew

  private:
    struct State;
    explicit RowTreeWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Goes through rows in the order of their keys. Memory is a few MiB, whatever the table; blocks are
// read ahead, the more the longer it goes. Its RowTree may go, its vault may not.
class RowCursor {
  public:
    RowCursor(RowCursor&&) noexcept;
    RowCursor& operator=(RowCursor&&) noexcept;
    ~RowCursor();
    // On to the next row, at first to the first one; false behind the last. Views hold until then.
    Result<bool> next();
    std::string_view key() const;
    std::string_view row() const;

    struct State; // for row_*.cpp

  private:
    friend class RowTree;
    explicit RowCursor(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Reads such a folder. Once open it does not change: several threads may use it, each with cursors of
// its own. The vault must outlive it.
class RowTree {
  public:
    // Kind::corrupt for what is no such folder, Kind::unsupported for one of a newer form.
    static Result<RowTree> open(vault::Vault& from, const vault::Tree& folder);

    bool keyed() const;
    std::uint64_t rows() const;
    std::uint64_t bytes() const; // of the rows as they lie in base and runs, roughly
    const RowSum& sum() const;
    const std::string& schema() const;
    std::size_t unique_keys() const;

    // The row of a key. Kind::unsupported without keys, like all that asks for one.
    Result<std::optional<std::string>> find(std::string_view key) const;
    // Keys of rows that may have this value in a unique key (from 0): look the row up and compare.
    // Those that have it are among them.
    Result<std::vector<std::string>> keys_with(std::size_t unique_key, std::string_view value) const;

    enum class From { at, behind };
    // From the first key at (or behind) this one; "" is the beginning.
    Result<RowCursor> rows_from(std::string_view key = {}, From from = From::at) const;
    // At most count - 1 keys that part the rows into about equal parts, for reading on several threads.
    Result<std::vector<std::string>> parting_keys(std::size_t count) const;

    // What differs, in the order of the keys: null for a row that is not there. What both share is not
    // read. Of tables without keys nothing can be said unless they are the same: Kind::unsupported.
    using TakeDifference = std::function<Result<void>(std::string_view key, const std::string* before,
                                                      const std::string* after)>;
    static Result<void> compare(const RowTree& before, const RowTree& after,
                                const TakeDifference& take);

    struct State;
    const State& state() const { return *state_; } // for row_*.cpp

  private:
    explicit RowTree(std::shared_ptr<const State> state);
    std::shared_ptr<const State> state_;
};

} // namespace respawn::component
