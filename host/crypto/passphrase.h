// A key out of a passphrase: scrypt (RFC 7914), whose cost makes guessing dear.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace respawn::crypto {

struct ScryptCost {
    std::uint8_t log2_n = 17; // 128 MiB and about 0.3 s
    std::uint8_t r = 8;
    std::uint8_t p = 1;
    bool operator==(const ScryptCost&) const = default;
};
inline constexpr ScryptCost least_cost{ .log2_n = 15, .r = 8, .p = 1 };

// Kind::unsupported below least_cost (quick to guess) and above N = 2^20, r = 32, p = 16 or 1 GiB of
// memory: what a vault asks for is looked at before any memory is taken.
Result<void> must_be_fair(const ScryptCost& cost);

// Kind::no_space when the machine has not the memory. The cost is not looked at.
Result<std::string> scrypt(std::string_view passphrase, std::string_view salt, const ScryptCost& cost,
                           std::size_t size);

} // namespace respawn::crypto
