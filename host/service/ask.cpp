#include "service/ask.h"

#include "base/text.h"

#include <cstdlib>
#include <fmt/format.h>

namespace respawn::service {

namespace {

// Of our own environment, which may hold secrets, only what says where a user's systemd listens.
std::vector<std::string> plain_environment() {
    std::vector<std::string> all = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"
    };
    if (const char* folder = std::getenv("XDG_RUNTIME_DIR"))
        all.push_back(fmt::format("XDG_RUNTIME_DIR={}", folder));
    return all;
}

} // namespace

Result<io::Ended> ask_program(const std::vector<std::string>& command,
                              const std::vector<std::string>& arguments, Duration deadline) {
    io::Program program{ .name = command.front(),
                         .arguments = { command.begin() + 1, command.end() },
                         .environment = plain_environment() };
    program.arguments.insert(program.arguments.end(), arguments.begin(), arguments.end());
    return io::run_to_end(program, deadline, Cancellation());
}

std::string said_by(const io::Ended& ended) {
    constexpr std::size_t most_shown = 300;
    auto text = trimmed(ended.faults);
    if (text.empty())
        text = trimmed(ended.output);
    return printable(text.substr(0, most_shown));
}

Error refused_by(const std::string& program, const io::Ended& ended) {
    const auto said = said_by(ended);
    bool denied = false;
    for (const auto word : { "denied", "authentication", "not permitted", "password is required" })
        denied = denied || said.find(word) != std::string::npos;
    return Error{ .kind = denied ? Kind::denied : Kind::unavailable,
                  .why = fmt::format("{} ended with {}: {}", printable(program), ended.status, said),
                  .fix = denied ? "allow respawn's user to start and stop it (docs/services.md)" : "" };
}

} // namespace respawn::service
