// The list of locations by URL scheme.
#pragma once

#include "io/file.h"
#include "location/location.h"

namespace respawn::location {

// "file:///path", a plain path, or "memory:NAME" (lives as long as the process). Kind::usage for an
// unknown scheme, naming the known ones. Opening does not create anything.
Result<std::shared_ptr<Location>> open_location(std::string_view url);

// The folder of a location that is one, else empty: what a backup of files must stay out of.
io::Path local_folder(std::string_view url);

} // namespace respawn::location
