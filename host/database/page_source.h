// The pages of a database as one read transaction shows them, read in large pieces straight from its
// file and its WAL. Reading them through SQLite costs several times as much, a page at a time.
//
// Why that is right: SQLite's own locks, held by the transaction, keep the bytes still.
//   - Without a WAL nobody writes the file while the transaction's shared lock is held.
//   - With one, a page that has a frame among those the transaction sees is taken from there. Such
//   frames
//     stay, for a WAL begins anew only when no reader needs it; and a checkpoint writes no page into
//     the file but out of these frames. A transaction that began when all frames were in the file needs
//     no WAL, so that it may begin anew, with other salts: but then no checkpoint writes into the file
//     at all. So a frame counts when the WAL still has the salts after it was read, and else the file
//     does.
#pragma once

#include "database/sqlite_handle.h"

#include <utility>
#include <vector>

namespace respawn::database {

class PageSource {
  public:
    // Begins a read transaction on `shown`, which outlives this. Memory: 8 bytes a frame. Kind::moved
    // when the WAL is not what it says, or is written all the time.
    static Result<PageSource> begin(const SqliteHandle& shown);
    // Of a private copy without a WAL, or one in a transaction already.
    static Result<PageSource> open(const SqliteHandle& shown, std::string_view wal_end);

    std::uint32_t page_size() const { return page_size_; }
    std::uint32_t pages() const { return pages_; }
    std::uint64_t bytes() const { return std::uint64_t{ page_size_ } * pages_; }
    bool has_wal() const { return wal_.open(); }

    // Pages [first, first + count), the first one being 1; fewer behind the last. What a file that is
    // cut short lacks reads as zeros, as for SQLite.
    Result<std::string> read(std::uint32_t first, std::uint32_t count) const;

  private:
    struct Frame {
        std::uint32_t page, number;
    };
    explicit PageSource(const SqliteHandle& shown) : shown_(&shown) {}
    Result<void> follow_wal(std::string_view wal_end);
    Result<void> lay_frames(std::uint32_t first, std::string& pages) const;
    Result<bool> is_same_wal() const;

    const SqliteHandle* shown_;
    std::uint32_t page_size_ = 0, pages_ = 0;
    io::Path wal_path_;
    io::Descriptor wal_;
    std::string salts_;
    std::vector<Frame> frames_; // the newest of each page, by page
};

} // namespace respawn::database
