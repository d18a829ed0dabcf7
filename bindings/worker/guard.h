// What a script is given cannot be changed by it: libraries, respawn and the globals are reached
// through an empty table that lets everything be read and nothing be written.
#pragma once

#include "worker/lua.h"

namespace respawn::worker {

// Once for a Lua state, before anything else here.
void prepare_guard(lua_State* L);

// Replaces the table on top with a guarded one. `name` is how errors call it. A name that is not there
// is nil, unless there is `missing`: it is called with (guarded, key) for every name, with the real
// table as its upvalue. `write` is called instead of the usual refusal.
void guard(lua_State* L, const char* name, lua_CFunction missing = nullptr,
           lua_CFunction write = nullptr);
bool is_guarded(lua_State* L, int index);
// Replaces a guarded table at `index` by what is behind it. The script must never get hold of that.
void see_through(lua_State* L, int index);

// setmetatable, getmetatable and rawset as scripts get them. Metamethods are taken over at the moment
// of setmetatable; later changes of the metatable show after the next one. __gc, __close, __mode and
// __metatable are refused: they would let a script see when memory is collected, or hide things.
int careful_setmetatable(lua_State* L);
int careful_getmetatable(lua_State* L);
int careful_rawset(lua_State* L);

} // namespace respawn::worker
