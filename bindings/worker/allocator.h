// The memory a script may use. Everything Lua holds comes from here and is counted; past the cap Lua
// gets none, collects its garbage, and then fails for good (language.cpp lets no pcall catch it).
#pragma once

#include <cstddef>

namespace respawn::worker {

struct Memory {
    std::size_t cap = 0;
    std::size_t used = 0;
};

// A lua_Alloc; `memory` is a Memory.
void* allocate(void* memory, void* block, std::size_t old_size, std::size_t new_size);

} // namespace respawn::worker
