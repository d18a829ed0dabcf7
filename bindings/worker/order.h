// Order: what a script sees in a table comes in the same order in every process. Whole numbers rise,
// then other numbers, then texts by their bytes, then false and true. A key that is anything else has
// no order; going through such a table is an error.
#pragma once

#include "worker/lua.h"

namespace respawn::worker {

int ordered_pairs(
    lua_State* L); // pairs: what is added on the way is not seen, what is removed is left out
int ordered_next(lua_State* L); // next: looks at the whole table each time
int stable_sort(
    lua_State* L); // table.sort: equal items keep their order; an error leaves the list as it was

} // namespace respawn::worker
