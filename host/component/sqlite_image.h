// An exact image of a database as of one moment, in a private file.
//
// While others have the database open, SQLite's backup API copies every page within one read
// transaction, WAL included; the copy goes to a private file and not straight into the vault, so that
// in rollback-journal mode the game's writers wait only as long as a plain copy takes, and so that
// counting and checking read the copy. A database nobody has open, but whose WAL or journal holds more
// than the file, is copied with them and recovered in the copy: nothing appears beside the live file.
#pragma once

#include "component/sqlite_handle.h"

#include "component/component.h"

namespace respawn::component {

// What tells one state of the live database from another without reading it; empty when it was being
// written just then.
using Signature = std::string;

struct ImageRequest {
    io::Path database; // links resolved
    io::Path image;    // to be made; its folder is private
    Patience patience;
    Progress progress = {};
    // Asked with the signature of the moment the image would show; true when no image is needed.
    std::function<bool(const Signature&)> already_known = {};
};

struct Image {
    Signature signature;
    bool made = false; // false when already_known() said so
};

// Kind::missing, ::corrupt (no database, damaged), ::timeout (locked), ::no_space.
Result<Image> take_image(const ImageRequest& request);

// The database's file and its -wal, -shm and -journal beside it.
std::vector<io::Path> files_of(const io::Path& database);

// Copies database, -wal and -journal as they are, through `source`'s descriptor, while nobody writes,
// into `image`, and lets SQLite recover the copy. Kind::moved when someone opened it meanwhile.
Result<void> copy_at_rest(const SqliteHandle& source, const io::Path& image, const Patience& patience);
// True when reading the database in place would make or change files beside it.
Result<bool> needs_recovery(const SqliteHandle& source);

} // namespace respawn::component
