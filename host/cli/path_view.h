// How paths in a backup look: like ls -l for people, a flat object for programs.
#pragma once

#include "component/paths.h"

namespace respawn::cli {

std::string mode_text(const vault::TreeEntry& entry);  // "-rw-r-----"
std::string_view type_text(vault::EntryType type);     // "file", "folder", "link", …
std::string owner_text(const vault::TreeEntry& entry); // "wox:wox", "1000:1000"
std::string time_text(std::int64_t nanoseconds);       // "2026-11-21T10:34:05Z"
// {path, type, size, mode, user, group, modified, target}: user and group as names where known.
Value to_value(const component::PathEntry& found);

// A JSON array whose items are said one by one, so that a long one takes no memory.
class JsonArray {
  public:
    void add(const Value& item);
    void finish();

  private:
    bool begun_ = false;
};

} // namespace respawn::cli
