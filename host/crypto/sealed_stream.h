// Encryption of streams of any length, authenticated as a whole: cut short, extended or reordered, it
// does not open.
//
// Bytes: "RSPN-STREAM-1\n", 16 random bytes of salt; then chunks of 65,536 plain bytes, the last one
// shorter or empty, each sealed by AES-256-GCM with its tag behind it. The key is HKDF(key, "stream "
// and the salt); the nonce is the chunk's number as 8 bytes little-endian, then 4 bytes that are 1 for
// the last chunk and 0 before it. No associated data.
#pragma once

#include "crypto/crypto.h"
#include "io/stream.h"

#include <memory>

namespace respawn::crypto {

std::unique_ptr<io::Source> sealed_stream(const Key& key, std::unique_ptr<io::Source> plain);
// Kind::corrupt at the first chunk that is not what was sealed, and when the end is missing.
std::unique_ptr<io::Source> opened_stream(const Key& key, std::unique_ptr<io::Source> sealed);

} // namespace respawn::crypto
