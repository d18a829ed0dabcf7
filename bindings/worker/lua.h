// Lua, compiled as C++: its errors are exceptions, so destructors run when one passes.
#pragma once

#include <lua.hpp>
