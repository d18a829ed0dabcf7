// Which processes have a file open.
#pragma once

#include "io/file.h"

#include <string>
#include <vector>

namespace respawn::component {

struct Holder {
    int process = 0;
    std::string command;
    int times = 0; // how many descriptors
};

// As far as /proc tells this user; this process among them.
std::vector<Holder> holders_of(const std::vector<io::Path>& files);

// "4711 (game-server), 4712 (sqlite3)"
std::string describe_holders(const std::vector<Holder>& holders);

} // namespace respawn::component
