// Where a script is, in the words of errors: "wox/stuck_duel.lua:21".
#pragma once

#include "worker/lua.h"

#include <string>

namespace respawn::worker {

// The innermost line of Lua that runs, at or above a level; empty when there is none.
std::string where(lua_State *L, int level = 0);

// Raises a Lua error with where() in front.
[[noreturn]] void raise(lua_State *L, const std::string &why);

// The message handler of the task: notes an error's text, place and trace in the session, while the
// stack that raised it still stands.
int note_failure(lua_State *L);

} // namespace respawn::worker
