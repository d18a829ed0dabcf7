// Asking a manager's program.
#pragma once

#include "config/config.h"
#include "io/process.h"

namespace respawn::service {

// `command` is the program and its first arguments; no shell sees any of it. Its words are in English.
// Kind::missing when there is no such program, Kind::timeout when it does not answer.
Result<io::Ended> ask_program(const std::vector<std::string>& command,
                              const std::vector<std::string>& arguments,
                              Duration deadline = std::chrono::seconds(20));
// What a program said, in a line that can be shown.
std::string said_by(const io::Ended& ended);
// Kind::denied or Kind::unavailable, for an answer that is no success.
Error refused_by(const std::string& program, const io::Ended& ended);

} // namespace respawn::service
