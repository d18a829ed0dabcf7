// Secondary keys of a table that is loaded: built in one go behind the rows, in the order of their
// values, and not row by row in the order of the primary key. For a table of any size that is most of
// the time of a restore.
#pragma once

#include "component/mariadb_schema.h"

namespace respawn::component {

struct LaterKeys {
    std::vector<std::string> names;
    std::vector<std::string> definitions; // "UNIQUE KEY `wallet` (`wallet`)", in their order

    bool empty() const { return names.empty(); }
    std::string drop(const std::string& table) const; // statements
    std::string add(const std::string& table) const;
};

// All secondary keys of the table or none: what is made again comes behind what stayed, and the
// definition would not be the same. None where a foreign key or a counter stands on one, or one is of
// another kind than KEY and UNIQUE KEY.
LaterKeys later_keys(const ServerTable& table);

} // namespace respawn::component
