#include "worker/log.h"

#include "worker/host.h"
#include "worker/session.h"
#include "worker/texts.h"
#include "worker/where.h"

#include <fmt/format.h>

namespace respawn::worker {

namespace {

constexpr std::size_t longest_line = 4096;

std::string cut(std::string line) {
    if (line.size() <= longest_line)
        return line;
    const auto left_out = line.size() - longest_line;
    line.resize(longest_line);
    return fmt::format("{} … ({} bytes more)", line, left_out);
}

} // namespace

int log_line(lua_State* L) {
    auto& session = session_of(L);
    if (session.log_lines <= 0)
        raise(L, "the script has logged as many lines as it may");
    session.log_lines -= 1;
    (void)ask_host(Value::Map{ { "kind", "log" }, { "text", cut(shown_line(L, 1)) } });
    return 0;
}

} // namespace respawn::worker
