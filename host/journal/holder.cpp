#include "base/text.h"
#include "journal/journal.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::journal {

namespace {

// State and start time from /proc/PID/stat (proc(5), fields 3 and 22). The name in field 2 may hold
// blanks and parentheses: what follows the last ')' is regular.
struct Process {
    char state = 'X';
    std::int64_t start = -1;
};

Process look_up(std::int64_t pid) {
    const auto text = io::read_file(fmt::format("/proc/{}/stat", pid), 4096);
    const auto close = text.ok() ? text.value().rfind(')') : std::string::npos;
    if (close == std::string::npos)
        return {};
    const auto fields = split(trimmed(std::string_view(text.value()).substr(close + 1)), ' ');
    if (fields.size() < 20 || fields[0].empty())
        return {};
    Process process{ .state = fields[0][0] };
    std::from_chars(fields[19].data(), fields[19].data() + fields[19].size(), process.start);
    return process;
}

// Read at each question: a test is two hosts in one process.
std::string test_host() {
    const char* name = std::getenv("RESPAWN_HOST");
    return name ? name : "";
}

std::string host_name() {
    if (auto name = test_host(); !name.empty())
        return name;
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

// Processes of a container have pids of their own, which mean nothing outside of it.
std::string process_namespace() {
    constexpr std::string_view machines_own = "pid:[4026531836]";
    std::error_code fault;
    const auto name = std::filesystem::read_symlink("/proc/self/ns/pid", fault).string();
    return name.empty() || name == machines_own ? "" : " " + name;
}

std::string kernel_boot() {
    const auto text = io::read_file("/proc/sys/kernel/random/boot_id", 100);
    return text.ok() ? std::string(trimmed(text.value())) : "unknown";
}

std::string boot_id() {
    const auto test = test_host();
    return kernel_boot() + process_namespace() + (test.empty() ? "" : " " + test);
}

} // namespace

Holder this_process() { return { host_name(), boot_id(), ::getpid(), look_up(::getpid()).start }; }

Liveness liveness(const Holder& holder, Sharing sharing) {
    if (holder.boot != boot_id()) {
        const bool booted_since = holder.host == host_name() && !holder.boot.starts_with(kernel_boot());
        return sharing == Sharing::machine && booted_since ? Liveness::dead : Liveness::elsewhere;
    }
    const auto process = look_up(holder.pid);
    const bool gone = process.start < 0 || process.state == 'Z' || process.state == 'X';
    return gone || process.start != holder.process_start ? Liveness::dead : Liveness::alive;
}

bool is_interrupted(const RunRecord& run) {
    return run.state == RunState::running &&
           (run.life == Liveness::dead ||
            (run.life == Liveness::elsewhere && run.lease_left <= Duration::zero()));
}

namespace {

constexpr std::string_view policy_names[] = { "none", "probe", "repeat", "park", "let_go" };
constexpr std::string_view call_state_names[] = { "intent", "done", "failed", "maybe", "parked" };
constexpr std::string_view run_state_names[] = { "running", "done",   "not_needed",
                                                 "failed",  "parked", "aborted" };

} // namespace

std::string_view name_of(Policy policy) { return policy_names[static_cast<int>(policy)]; }
std::string_view name_of(CallState state) { return call_state_names[static_cast<int>(state)]; }
std::string_view name_of(RunState state) { return run_state_names[static_cast<int>(state)]; }

} // namespace respawn::journal
