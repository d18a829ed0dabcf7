#include "service/managers.h"

#include <fmt/format.h>

#include "base/text.h"

namespace respawn::service {

namespace {

struct ManagerKind {
    std::string_view name;
    std::unique_ptr<Manager> (*open)(const config::ServiceSettings&);
};

constexpr ManagerKind manager_kinds[] = {
    { "systemd", open_systemd },
    { "supervisord", open_supervisord },
    { "runit", open_runit },
    { "process", open_processes },
};

constexpr std::string_view state_names[] = { "running", "stopped",  "starting", "stopping",
                                             "failed",  "flapping", "unknown" };

} // namespace

std::string_view name_of(State state) { return state_names[static_cast<int>(state)]; }

Result<std::unique_ptr<Manager>> open_manager(const config::ServiceSettings& settings) {
    for (const auto& kind : manager_kinds)
        if (kind.name == settings.manager)
            return kind.open(settings);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("'{}' is no service manager", printable(settings.manager)) };
}

} // namespace respawn::service
