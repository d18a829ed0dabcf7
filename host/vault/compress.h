// zstd, at the level that a trial on part of the bytes chose: 1, 3, or none where they do not shrink.
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
