// gzip over streams.
#pragma once

#include "io/stream.h"

#include <memory>

namespace respawn::io {

// The bytes that gzip (RFC 1952) packed, one member or several. Kind::corrupt for what is no gzip, ends
// early, or does not have the length and checksum that it says.
std::unique_ptr<Source> gunzipped(std::unique_ptr<Source> packed);

} // namespace respawn::io
