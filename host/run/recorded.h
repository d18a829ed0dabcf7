// Calls as the journal keeps them: what a step gave, and whether the step that is made now is the one
// that was recorded.
#pragma once

#include "run/mode.h"

namespace respawn::run {

// {value, written}: of a call that is done, and back.
Value result_of(const Done& done);
Result<Done> done_from(const Value& result);

// Kind::needs_person, showing both, unless it is the same call in the same phase.
Result<void> must_be_recorded(const Step& step, const journal::CallRecord& recorded);

// The one at this position, or nullptr.
const journal::CallRecord* recorded_at(const std::vector<journal::CallRecord>& recorded,
                                       std::int64_t position);

// {kind, what, on, why, fix}: an Error as journals and messages carry it, and back.
Value to_value(const Error& error);
Error error_from(const Value& value);

} // namespace respawn::run
