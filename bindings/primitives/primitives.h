// The list of primitives, handed to the host by main.
#pragma once

#include "run/primitive.h"

namespace respawn::primitives {

// In the order of the reference. Aborts never: an unsound definition is found by run::must_be_sound.
const run::Primitives& all();

} // namespace respawn::primitives
