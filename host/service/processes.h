// What the kernel says of processes.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace respawn::service {

struct Process {
    std::int64_t pid = 0;
    std::int64_t group = 0;
    std::int64_t start = 0; // clock ticks since boot
};

// Nothing for a process that is not there, or that has ended and nobody has taken note of it.
std::optional<Process> find_process(std::int64_t pid);
// The line of /proc/PID/stat, whose second field may hold anything.
std::optional<Process> process_in(std::string_view stat);
// A process of the group that lives, if there is one.
std::optional<Process> find_in_group(std::int64_t group);
// When a process began that started so many ticks after the boot. Within some hundredths of a second,
// as long as nobody has set the clock since.
Moment moment_of(std::int64_t start_ticks);
// Changes with each boot of the machine.
std::string boot();

} // namespace respawn::service
