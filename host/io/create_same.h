// Creating a file that may be there already.
#pragma once

#include "io/file.h"

namespace respawn::io {

// True when the file at `path` holds what comes out of the source, no byte more or less.
Result<bool> holds(const Path& path, Source& bytes);
// Like create_durably(); where the name is taken, a success when that file holds the same bytes.
Result<void> create_same_durably(const Path& path, Source& bytes, mode_t mode = 0600);

} // namespace respawn::io
