// What the error codes of PostgreSQL (SQLSTATE) mean to respawn.
#pragma once

#include "base/result.h"

#include <string_view>

namespace respawn::database {

struct PostgresProblem {
    std::string_view begins; // the code, or its class
    Kind kind = Kind::usage;
    std::string_view fix = {};
    bool may_try_again = false; // a deadlock, a lock that was not free in time
};

const PostgresProblem& postgres_problem(std::string_view code);
// What libpq says where there is no code: nobody answered, or not as was asked.
Kind kind_of_refusal(std::string_view text);

} // namespace respawn::database
