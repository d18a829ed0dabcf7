// A key as digits that a person can write down, read over a telephone and type: 17 groups of six. Each
// group tells a slip of its own (a wrong digit, two exchanged), the last one tells groups that changed
// places, so that a typing error is never taken for a wrong key.
#pragma once

#include "crypto/crypto.h"

namespace respawn::crypto {

// 16 groups, each two bytes of the key (the higher first) as a number times 11; then a group made alike
// of the first two bytes of the SHA-256 of the key. Four groups a line, without a newline at the end.
std::string recovery_digits(const Key& key);
// Spaces, newlines and '-' between digits count for nothing. Kind::usage says which group is mistyped.
Result<Key> key_from_digits(std::string_view text);

} // namespace respawn::crypto
