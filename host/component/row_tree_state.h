// What RowTree and RowCursor hold. For row_*.cpp.
#pragma once

#include "component/row_head.h"
#include "component/row_tree.h"

#include <deque>

namespace respawn::component {

struct RowTree::State {
    State(vault::Vault& vault, RowHead of);
    RowHead head;
    RowHasher hasher;
    std::vector<RowFile> parts;               // the base, then the runs, oldest first
    std::vector<std::vector<RowFile>> unique; // of each unique key, the same
};

// Several files as one; of equal keys the newest counts.
struct RowCursor::State {
    std::deque<RowFileCursor> cursors;
    std::vector<RowFileCursor*> alive;    // that stand on an entry, oldest first
    std::vector<RowFileCursor*> standing; // of these, on the last key that was given
    RowFileCursor* newest = nullptr;

    // Oldest first.
    Result<void> begin(const std::vector<RowFile>& files, std::string_view key, RowTree::From from);
    // The next key that is not removed.
    Result<bool> next();
    // The next key, also one that is.
    Result<bool> next_entry();
    Result<void> leave();
};

} // namespace respawn::component
