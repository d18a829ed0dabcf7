// The keyring's one encoding: what a slot file seals.
#pragma once

#include "vault/keys.h"

namespace respawn::vault {

std::string encode_keyring(const Keyring& keyring);
Result<Keyring> decode_keyring(std::string_view bytes);

} // namespace respawn::vault
