// A stream packed while it is read: gzip or zstd, as their own programs unpack it.
#pragma once

#include "io/stream.h"

#include <memory>

namespace respawn::component {

enum class Packing { none, gzip, zstd };

Result<std::unique_ptr<io::Source>> packed(std::unique_ptr<io::Source> plain, Packing packing);

} // namespace respawn::component
