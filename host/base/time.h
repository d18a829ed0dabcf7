// Moments and durations. A moment is microseconds since 1970-01-01T00:00:00Z; all texts are UTC.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace respawn {

using Duration = std::chrono::microseconds;

struct Moment {
    std::int64_t microseconds = 0;
    auto operator<=>(const Moment&) const = default;
    Moment operator+(Duration span) const { return { microseconds + span.count() }; }
    Duration operator-(Moment earlier) const { return Duration(microseconds - earlier.microseconds); }
};

// The machine's clock.
Moment now();

// "2026-11-21T10:34:05Z"; with microseconds when there are any, unless seconds_only.
std::string to_rfc3339(Moment moment, bool seconds_only = false);
Result<Moment> from_rfc3339(std::string_view text);

// What a person may write after '@': RFC 3339, "2026-11-21", "2026-11-21 10:34", "yesterday", "today",
// "-2h", "-30m", "-3d". A date means its first moment. Kind::usage when it is none of these.
Result<Moment> parse_moment(std::string_view text, Moment present);

// "90s", "10m", "2h", "3d", "500ms". Kind::usage otherwise.
Result<Duration> parse_duration(std::string_view text);
// "850 ms", "12.3 s", "3 h 12 min", "2 d 4 h".
std::string human_duration(Duration span);

} // namespace respawn
