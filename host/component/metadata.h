// What a file system says of a name besides its bytes: mode, owner, times, extended attributes (ACLs
// are two of them), targets of links. Read and put back relative to an open folder, never through a
// symbolic link.
#pragma once

#include "component/notes.h"
#include "io/file.h"
#include "vault/object.h"

#include <map>
#include <sys/stat.h>

namespace respawn::component {

// The system's names of users and groups, asked for once each.
class Owners {
  public:
    std::string user(std::uint32_t number);
    std::string group(std::uint32_t number);
    // The number this system gives to a recorded name, else the recorded number.
    std::uint32_t user_here(const vault::TreeEntry& entry);
    std::uint32_t group_here(const vault::TreeEntry& entry);

  private:
    std::map<std::uint32_t, std::string> users_, groups_;
    std::map<std::string, std::int64_t> user_numbers_, group_numbers_;
};

std::int64_t nanoseconds(const timespec& time);
// Nothing for a kind of file that there is no entry for.
std::optional<vault::EntryType> type_of(mode_t mode);

// All but content, tree, extents and hard_link. `shown` is the whole path, for messages.
Result<vault::TreeEntry> describe(int folder, const std::string& name, const struct stat& status,
                                  Owners& owners, const io::Path& shown);

// Owner, mode, attributes, times, in the order in which one does not undo the other. What this user or
// file system cannot do is a note.
Result<void> put_back_metadata(int folder, const std::string& name, const vault::TreeEntry& entry,
                               Owners& owners, Notes& notes, const io::Path& shown);

// The same for a file that is open and new; owners by their numbers here. Thread-safe. What could not
// be brought back is the answer.
Result<std::vector<std::string>> finish_new_file(int file, const vault::TreeEntry& entry,
                                                 std::uint32_t user, std::uint32_t group,
                                                 const io::Path& shown);

// True when nothing that put_back_metadata() would set is different. Owners count for root only.
bool same_metadata(const vault::TreeEntry& live, const vault::TreeEntry& wanted, Owners& owners);

// ---- folders, opened without following links ----

Result<io::Descriptor>
open_folder(const io::Path& path); // a link here is followed: it was given by name
Result<io::Descriptor> open_folder_at(int folder, const std::string& name, const io::Path& shown);
// Empty when there is nothing of that name.
Result<std::optional<struct stat>> stat_at(int folder, const std::string& name, const io::Path& shown);
// Names in a folder, sorted by their bytes.
Result<std::vector<std::string>> names_in(int folder, const io::Path& shown);
// "a", not "", ".", "..", "a/b" or anything with a NUL: what may be created below a folder.
bool is_plain_name(std::string_view name);

} // namespace respawn::component
