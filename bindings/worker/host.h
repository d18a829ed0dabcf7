// The conversation with the host, on descriptor 3: every message but the last has exactly one answer.
// When the host has gone there is nothing left to do, and the process ends.
#pragma once

#include "base/value.h"

#include <string_view>

namespace respawn::worker {

inline constexpr int host_descriptor = 3;

// Kind::usage when the message is too long to be sent.
Result<Value> ask_host(const Value& message);
// Sends the last message and ends the process.
[[noreturn]] void end_with(const Value& last);
[[noreturn]] void end_with_failure(std::string_view why);

} // namespace respawn::worker
