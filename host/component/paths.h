// A snapshot seen as one tree of paths: the first name is a component, the rest is what that
// component's backup holds. A files component has its files under their absolute paths
// ("memory/opt/wox/a.txt"), a sqlite component has its image as one file ("database/game.db").
#pragma once

#include "base/cancel.h"
#include "vault/vault.h"

#include <functional>

namespace respawn::component {

struct PathEntry {
    std::string path; // "memory/opt/wox"; empty for the snapshot itself
    const vault::ComponentRecord* component = nullptr; // points into the snapshot; null for the whole
    vault::TreeEntry entry;                            // a folder, too, for a component and the whole
    bool is_component() const;                         // the top of one
};

// What a path means. Slashes around it do not count; an absolute path of the live data
// ("/opt/wox/a.txt",
// "/opt/wox/game.db") is found as well, in the component that holds it. Kind::missing names the nearest
// path that is there and what is in it.
Result<PathEntry> find_path(vault::Vault& from, const vault::Snapshot& snapshot, std::string_view path);

// What is in a folder, sorted by name. For the whole: the components that have data.
Result<std::vector<PathEntry>> entries_in(vault::Vault& from, const vault::Snapshot& snapshot,
                                          const PathEntry& folder);

// Everything below a folder: each folder before what is in it. False from `visit` for a folder leaves
// out what is below it.
using Visit = std::function<Result<bool>(const PathEntry& found)>;
Result<void> walk_below(vault::Vault& from, const vault::Snapshot& snapshot, const PathEntry& folder,
                        const Cancellation& cancel, const Visit& visit);

// A file's bytes in order, its holes as zeros.
Result<void> read_file_at(vault::Vault& from, const vault::TreeEntry& file, const Cancellation& cancel,
                          io::Sink& to);

} // namespace respawn::component
