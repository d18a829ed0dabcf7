// Where a script is, in the words of errors: "wox/stuck_duel.lua:21".
#pragma once

#include "worker/lua.h"

#include <string>
#include <string_view>
#include <vector>

namespace respawn::worker {

// The innermost line of Lua that runs, at or above a level; empty when there is none.
std::string where(lua_State* L, int level = 0);

// Raises a Lua error with where() in front, or with the session's place while no Lua runs.
[[noreturn]] void raise(lua_State* L, const std::string& why);

// The place where the function at `index` begins.
std::string place_of(lua_State* L, int index);
// "; did you mean 'sql'?" when a known name is near, else nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

// The message handler of the task: notes an error's text, place and trace in the session, while the
// stack that raised it still stands.
int note_failure(lua_State* L);

} // namespace respawn::worker
