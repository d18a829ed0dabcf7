// Whether what a check or rule found is what it should be.
#pragma once

#include "base/value.h"
#include "config/config.h"

namespace respawn::run {

// What the configuration expects, in a few words: "between 0 and 100".
std::string to_text(const config::Expected& expected);
// `before` is what the last backup before had, null when there was none: then whatever is within it
// holds. Numbers are compared by their values, however they are written.
bool holds(const config::Expected& expected, const Value& found, const Value& before);
// A number's digits, or a text as it is.
std::string plain_text(const Value& value);

} // namespace respawn::run
