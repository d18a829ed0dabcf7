// Sealing to a public key (X25519, RFC 7748): whoever knows it can seal, only the secret key opens.
#pragma once

#include "crypto/crypto.h"

namespace respawn::crypto {

inline constexpr std::size_t public_key_size = 32;

// The public key of a secret one. Any 32 bytes are a secret key.
std::string public_key_of(const Key& secret);

// 32 bytes of a public key made for this once, then a box (crypto.h) under HKDF of what both share.
// Kind::corrupt when `to` is no public key.
Result<std::string> seal_to(std::string_view to, std::string_view associated, std::string_view plain);
// Kind::corrupt when it was not sealed to this key, or was changed.
Result<std::string> open_sealed(const Key& secret, std::string_view associated,
                                std::string_view sealed);

} // namespace respawn::crypto
