// Whether a unit does its work.
#pragma once

#include "config/config.h"

#include <string>

namespace respawn::service {

// Asked once, within some seconds. What is wrong, printable; empty when it is well, or nothing says how
// to tell.
std::string find_illness(const config::HealthSettings& health);

} // namespace respawn::service
