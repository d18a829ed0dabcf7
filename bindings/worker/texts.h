// Texts without addresses: what tostring, print and string.format give.
#pragma once

#include "worker/lua.h"

#include <string>

namespace respawn::worker {

// Pushes what tostring() gives: a script's __tostring is asked, a table is "table".
void push_shown(lua_State* L, int index);
// The same of arguments first … top, with tabs between.
std::string shown_line(lua_State* L, int first);

int show(lua_State* L);           // tostring
int careful_format(lua_State* L); // string.format; its upvalue is Lua's own

} // namespace respawn::worker
