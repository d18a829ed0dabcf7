// What the error numbers of MariaDB and MySQL mean to respawn.
#pragma once

#include "base/result.h"

#include <string_view>

namespace respawn::database {

struct MariadbProblem {
    Kind kind = Kind::usage;
    std::string_view fix = {};
    bool may_try_again = false; // a deadlock, a lock that was not free in time
    bool has_gone = false;      // the connection is of no more use
};

MariadbProblem mariadb_problem(unsigned code);
// The number of a warning that says that a value was not taken as it was given.
bool is_cut_value(unsigned code);

} // namespace respawn::database
