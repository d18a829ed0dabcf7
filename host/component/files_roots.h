// The paths of a files component, as one tree from "/" down. A backup keeps every root under its
// absolute path, so that roots never collide and a restore to DIR gives DIR/<absolute path>.
#pragma once

#include "component/notes.h"
#include "io/file.h"

#include <map>

namespace respawn::component {

struct RootNode {
    bool whole = false; // all of it belongs to the component; else only what is named below
    std::map<std::string, RootNode> below;
};

struct Roots {
    RootNode top;                // "/"
    std::vector<io::Path> paths; // real ones: links in the folders above resolved
};

// A root that is a link stands for the link and for what it leads to. Missing ones are problems.
Roots find_roots(const std::vector<io::Path>& paths, Notes& problems, Notes& notes);

} // namespace respawn::component
