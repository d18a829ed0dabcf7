// The cage: after it, this process can read and write descriptor 3, take memory that is not executable,
// and end. Everything else ends it, with the number of the refused call told to the host.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>

namespace respawn::worker {

// `memory_bytes` is the script's cap; the process as a whole gets some more. After so many seconds of
// the processor the system kills it, should the host not live to do it; 0 is without end. Nothing
// foreign may have been read by a parser of scripts before.
Result<void> enter_cage(std::size_t memory_bytes, std::int64_t processor_seconds);

} // namespace respawn::worker
