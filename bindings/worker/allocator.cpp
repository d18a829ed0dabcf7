#include "worker/allocator.h"

#include <cstdlib>

namespace respawn::worker {

void* allocate(void* memory, void* block, std::size_t old_size, std::size_t new_size) {
    auto& counted = *static_cast<Memory*>(memory);
    if (!block)
        old_size = 0; // Lua passes the kind of object there
    if (new_size == 0) {
        std::free(block);
        counted.used -= old_size;
        return nullptr;
    }
    if (new_size > old_size && new_size - old_size > counted.cap - counted.used)
        return nullptr;
    void* moved = std::realloc(block, new_size);
    if (!moved && new_size > old_size)
        return nullptr;
    counted.used = counted.used - old_size + new_size;
    return moved ? moved : block; // shrinking may not fail
}

} // namespace respawn::worker
