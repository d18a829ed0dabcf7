// A database file coming back: written to a new name and verified, and switched in for the live one.
#pragma once

#include "component/component.h"
#include "component/metadata.h"
#include "database/sqlite_handle.h"

namespace respawn::component {

using database::SqliteHandle;

// The one file of a sqlite component's tree. Kind::corrupt when the tree is anything else.
Result<vault::TreeEntry> database_entry(vault::Vault& from, const vault::ComponentRecord& record);

// Writes the image to a new file, makes it durable, checks it and compares it with the record. What was
// counted is the answer. The file is removed again when it is not right.
Result<Value> write_verified(vault::Vault& from, const vault::ComponentRecord& record,
                             const io::Path& to, const Work& work, Notes& notes);

// Where one restore stands. The record of it says "copying" until the new file is verified, then
// "switching".
struct Switch {
    io::Path live;     // links resolved
    io::Path incoming; // the new file, in the same folder
    io::Path aside;    // folder beside it for what was live
    Value value(std::string_view step) const;
    static Result<Switch> from(const Value& record);
};

// Kind::conflict, naming the processes, while anyone has one of the database's files open. Otherwise a
// handle that keeps SQLite's exclusive lock on the old file; empty when there is no old file.
Result<std::optional<SqliteHandle>> must_be_unused(const io::Path& live);

// Safe to be killed in and to be called again: all that was live is linked into `aside` first, so that
// whatever happens the old data lies there whole; then the old names go, then the new file gets its
// name.
Result<void> switch_in(const Switch& plan);
// Completes or rolls back what a record tells of; says what it did.
Result<std::string> finish_switch(const Value& record);

} // namespace respawn::component
