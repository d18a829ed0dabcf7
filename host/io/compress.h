// zstd over streams.
#pragma once

#include "io/stream.h"

#include <memory>

namespace respawn::io {

// What reads from it gets a zstd frame (RFC 8878) of the source's bytes, with a checksum.
std::unique_ptr<Source> compressed(std::unique_ptr<Source> plain);
// The other way. Kind::corrupt for bytes that are no zstd frame, or end early.
std::unique_ptr<Source> decompressed(std::unique_ptr<Source> packed);

} // namespace respawn::io
