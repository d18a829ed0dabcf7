#include "io/write_back.h"

#include <fcntl.h>

namespace respawn::io {

void WriteBack::add(std::uint64_t bytes) {
    constexpr std::uint64_t worth_it = 8 << 20;
    waiting_ += bytes;
    if (waiting_ < worth_it)
        return;
    waiting_ = 0;
    (void)::sync_file_range(file_, 0, 0, SYNC_FILE_RANGE_WRITE); // 0: to the end
}

} // namespace respawn::io
