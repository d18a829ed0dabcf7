// The slot files of one vault at several locations: the same file has the same bytes everywhere, so a
// location that was out of reach when keys were changed gets what it lacks by copying.
#pragma once

#include "vault/keys.h"

namespace respawn::vault {

// The vault that is there, 16 bytes, told without a key. Kind::missing when there is none.
Result<std::string> vault_at(location::Location& location);

// The number of the slot file in force; 0 when there is none.
Result<unsigned> newest_key_file(location::Location& location);

// Copies the slot files that `to` lacks behind its newest one, as they are; README too where there was
// no vault. True when something was copied. Kind::conflict, and nothing is copied, when the two hold
// different vaults, or have changed their keys without each other: then a person has to decide.
Result<bool> bring_keys(location::Location& from, location::Location& to);

} // namespace respawn::vault
