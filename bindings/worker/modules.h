// Modules: compiled as text only, run once, kept. What `require` finds is "respawn", what came with the
// start message, and, while a runbook is being described, what the host hands out when asked.
#pragma once

#include "worker/lua.h"

#include <string>
#include <string_view>

namespace respawn::worker {

int require(lua_State* L);
// Pushes what the module returns; raises when it is missing, does not compile or requires itself.
void push_module(lua_State* L, std::string_view name);
// Makes `name` known with the value on top, which is popped.
void set_module(lua_State* L, const char* name);

} // namespace respawn::worker
