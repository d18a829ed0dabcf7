// The cage: after it, this process can read and write descriptor 3, take memory that is not executable,
// and end. Everything else ends it, with the number of the refused call told to the host.
#pragma once

#include "base/result.h"

#include <cstddef>

namespace respawn::worker {

// `memory_bytes` is the script's cap; the process as a whole gets some more. Nothing foreign may have
// been read by a parser of scripts before.
Result<void> enter_cage(std::size_t memory_bytes);

} // namespace respawn::worker
