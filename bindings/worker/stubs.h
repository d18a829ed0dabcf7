// The module `respawn`: a function for every primitive the host told of, and what needs no host.
#pragma once

#include "worker/lua.h"

namespace respawn::worker {

// Makes the module `respawn`.
void give_respawn(lua_State* L);

} // namespace respawn::worker
