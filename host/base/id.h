// ULIDs: 26 characters of Crockford's base 32 that sort by the time they were made
// (https://github.com/ulid/spec).
#pragma once

#include "base/time.h"

#include <string>
#include <string_view>

namespace respawn {

// 48 bits of milliseconds, 80 random bits. Two ids made by one process rise, also within a millisecond.
std::string make_ulid(Moment moment);
// One of that very moment, also when later ones were made before.
std::string make_past_ulid(Moment moment);
bool is_ulid(std::string_view text);

} // namespace respawn
