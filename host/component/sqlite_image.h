// The exact pages of a database as of one moment.
//
// While others have the database open, they are read within one read transaction, WAL included,
// straight into whatever takes them. In WAL mode nobody waits for that. In rollback-journal mode
// writers would: where one comes while much is left to read, all pages go to a private file first, as
// fast as the disk can, and the transaction ends. A database nobody has open, but whose WAL or journal
// holds more than the file, is copied with them and recovered in the copy: nothing appears beside the
// live file.
#pragma once

#include "database/sqlite_handle.h"

#include "component/component.h"
#include "database/page_source.h"

namespace respawn::component {

using database::LockPatience;
using database::PageSource;
using database::SqliteHandle;
using database::SqliteStatement;

// What tells one state of the live database from another without reading it; empty when it was being
// written just then.
using Signature = std::string;

struct ImageRequest;

// The database as of the moment of the image.
class ImageView {
  public:
    ImageView(const SqliteHandle& shown, PageSource pages, const ImageRequest& request)
        : shown_(&shown), pages_(std::move(pages)), request_(&request) {}
    // Of a file that is private.
    ImageView(const SqliteHandle& shown, PageSource pages) : shown_(&shown), pages_(std::move(pages)) {}
    std::uint32_t page_size() const { return pages_.page_size(); }
    std::uint32_t pages() const { return pages_.pages(); }
    // As PageSource::read. Lets waiting writers go on by moving to a private copy.
    Result<std::string> read(std::uint32_t first, std::uint32_t count);
    // For questions about the same state. Another handle after the next read().
    const SqliteHandle& shown() const { return copy_ ? *copy_ : *shown_; }

  private:
    Result<bool> holds_up_writers(std::uint32_t first) const;
    Result<void> move_to_copy();
    const SqliteHandle* shown_;
    PageSource pages_;
    const ImageRequest* request_ = nullptr; // none for a private file
    std::optional<SqliteHandle> copy_;
};

struct ImageRequest {
    io::Path database; // links resolved
    io::Path copy;     // where a private one is made when it is needed; its folder is private
    LockPatience patience;
    // Takes the image. An error ends it.
    std::function<Result<void>(ImageView& view)> take;
    // Asked with the signature of the moment the image would show; true when no image is needed.
    std::function<bool(const Signature&)> already_known = {};
    // A writer waits for the rest when it is no more than this.
    std::uint64_t short_rest = 64 << 20;
};

struct Image {
    Signature signature;
    bool taken = false; // false when already_known() said so
};

// Kind::missing, ::corrupt (no database, damaged), ::timeout (locked), ::no_space.
Result<Image> take_image(const ImageRequest& request);

// The database's file and its -wal, -shm and -journal beside it.
std::vector<io::Path> files_of(const io::Path& database);

// Copies database, -wal and -journal as they are, through `source`'s descriptor, while nobody writes,
// into `image`, and lets SQLite recover the copy. Kind::moved when someone opened it meanwhile.
Result<void> copy_at_rest(const SqliteHandle& source, const io::Path& image,
                          const LockPatience& patience);
// True when reading the database in place would make or change files beside it.
Result<bool> needs_recovery(const SqliteHandle& source);

} // namespace respawn::component
