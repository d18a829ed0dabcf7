// What makes each kind of location; locations.cpp alone calls these.
#pragma once

#include "io/file.h"
#include "location/location.h"

namespace respawn::location {

std::shared_ptr<Location> local_location(io::Path folder);
std::shared_ptr<Location> memory_location(std::string_view name);

// Kind::conflict for a name whose file holds other bytes than those it was to be created with.
Error taken(std::string_view name, std::string_view url);
// Kind::missing for a name that is not there.
Error not_there(std::string_view name, std::string_view url);

} // namespace respawn::location
