// zstd, at the level that sampling chose: level 1, or none where the bytes do not shrink.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace respawn::vault {

// Nothing when compressing would save less than a thirty-second.
std::optional<std::string> compress(std::string_view plain);
// Exactly `size` bytes, or Kind::corrupt.
Result<std::string> decompress(std::string_view packed, std::size_t size);

} // namespace respawn::vault
