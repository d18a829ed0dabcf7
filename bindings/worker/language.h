// The language a script is given: Lua without what reaches outside, and the same in every process.
#pragma once

#include "worker/lua.h"

namespace respawn::worker {

// Fills a fresh state: the globals (guarded), and the guarded libraries in them. `require` and `print`
// are here, `respawn` is a module (modules.cpp).
void give_language(lua_State* L);

// Names a test file has besides: the fields of the table on top, which is popped.
void add_globals(lua_State* L);

} // namespace respawn::worker
