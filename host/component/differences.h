// What differs between two snapshots, file by file. Only folders whose trees differ are looked into, so
// it takes the time of the differences, not of the data.
#pragma once

#include "component/paths.h"

namespace respawn::component {

struct Difference {
    enum class What { added, removed, content, metadata };
    What what = What::content;
    std::string path;
    std::optional<vault::TreeEntry> before, after; // empty where it is not there
    // What of it is another: "content", "mode", "owner", "time", "attributes", "target", "type"; empty
    // for what was added or removed.
    std::vector<std::string> parts;
};

using TakeDifference = std::function<Result<void>(const Difference&)>;

// Below a path that is in one of them at least, in the order of the names. What is below an added or
// removed folder is told as well.
Result<void> compare(vault::Vault& vault, const vault::Snapshot& before, const vault::Snapshot& after,
                     std::string_view path, const Cancellation& cancel, const TakeDifference& take);

} // namespace respawn::component
