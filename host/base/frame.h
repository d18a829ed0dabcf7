// One message between two processes: a little-endian 32-bit length, then one encoded Value
// (docs/protocol.md). The bytes of the other side may be hostile: a message that is longer than it may
// be, holds too many values, or is no value, is Kind::corrupt. Kind::missing means that the other side
// closed between two messages; an end in the middle of one is Kind::corrupt.
#pragma once

#include "base/cancel.h"
#include "base/value.h"

#include <chrono>
#include <cstddef>

namespace respawn {

inline constexpr std::size_t max_frame = std::size_t{ 8 } << 20;
// A value takes some 60 bytes of memory however short its encoding is; this bounds what a frame can
// cost.
inline constexpr std::size_t max_frame_values = 1'000'000;

using Deadline = std::chrono::steady_clock::time_point;

// Blocking, with read and write alone, so that a caged process may use them. Kind::usage when the
// message is longer than `limit`; nothing was sent then.
Result<void> send_frame(int descriptor, const Value& message, std::size_t limit = max_frame);
Result<Value> receive_frame(int descriptor, std::size_t limit = max_frame);

// The same on a socket, for a side that must not hang or die of SIGPIPE: Kind::timeout once the
// deadline has passed, Kind::cancelled once it was requested. After either the stream is of no use.
struct Patience {
    Deadline until;
    const Cancellation* cancel = nullptr;
};
Result<void> send_frame(int socket, const Value& message, const Patience& patience,
                        std::size_t limit = max_frame);
Result<Value> receive_frame(int socket, const Patience& patience, std::size_t limit = max_frame);

} // namespace respawn
