// Sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace respawn::config {

// "20 GiB", "500MB", "4096": a whole number of B, KiB, MiB, GiB, TiB, KB, MB, GB or TB. Nothing for any
// other text, for 0, and for what fits no number.
std::optional<std::uint64_t> parse_size(std::string_view text);

} // namespace respawn::config
