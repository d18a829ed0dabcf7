// Numbers, addresses and hashes as JSON-RPC writes them: "0x" and hex digits.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace respawn::chain {

std::string lower(std::string_view text);
bool is_address(std::string_view text); // 20 bytes
bool is_hash(std::string_view text);    // 32 bytes

// "0x1f" → 31. Kind::corrupt when it is no number, or one of more than 63 bits.
Result<std::int64_t> from_quantity(std::string_view text);
std::string to_quantity(std::int64_t number);
// A word of 32 bytes as a decimal number.
Result<std::string> to_decimal(std::string_view word);
// An address as a log's topic has it: 12 zero bytes in front. And back; Kind::corrupt when they are not
// zero.
std::string to_topic(std::string_view address);
Result<std::string> from_topic(std::string_view topic);

} // namespace respawn::chain
