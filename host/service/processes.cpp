#include "service/processes.h"

#include "base/text.h"
#include "io/file.h"

#include <charconv>
#include <ctime>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::service {

namespace {

std::int64_t number_in(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::int64_t microseconds_of(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::int64_t{ time.tv_sec } * 1'000'000 + time.tv_nsec / 1000;
}

} // namespace

std::optional<Process> process_in(std::string_view stat) {
    const auto close = stat.rfind(')');
    if (close == std::string_view::npos)
        return std::nullopt;
    const auto fields = split(trimmed(stat.substr(close + 1)), ' ');
    if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X")
        return std::nullopt;
    return Process{ .pid = number_in(stat),
                    .group = number_in(fields[2]),
                    .start = number_in(fields[19]) };
}

std::optional<Process> find_process(std::int64_t pid) {
    const auto text = io::read_file(fmt::format("/proc/{}/stat", pid), 4096);
    return text.ok() ? process_in(text.value()) : std::nullopt;
}

std::optional<Process> find_in_group(std::int64_t group) {
    std::error_code fault;
    for (std::filesystem::directory_iterator at("/proc", fault), end; !fault && at != end;
         at.increment(fault)) {
        const auto name = at->path().filename().string();
        const auto process = number_in(name) > 0 ? find_process(number_in(name)) : std::nullopt;
        if (process && process->group == group)
            return process;
    }
    return std::nullopt;
}

Moment moment_of(std::int64_t start_ticks) {
    const auto booted = microseconds_of(CLOCK_REALTIME) - microseconds_of(CLOCK_BOOTTIME);
    return { booted + start_ticks * (1'000'000 / ::sysconf(_SC_CLK_TCK)) };
}

std::string boot() {
    const auto text = io::read_file("/proc/sys/kernel/random/boot_id", 100);
    return text.ok() ? std::string(trimmed(text.value())) : "unknown";
}

} // namespace respawn::service
