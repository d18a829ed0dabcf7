// respawn.log and print.
#pragma once

#include "worker/lua.h"

namespace respawn::worker {

// Sends one line to the host: 4 KiB at most, the rest cut; after the session's number of lines an
// error.
int log_line(lua_State* L);

} // namespace respawn::worker
