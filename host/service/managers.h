// What each manager's file offers to the list.
#pragma once

#include "service/service.h"

namespace respawn::service {

// Through systemctl. Tested over a recorded systemctl, not over a running systemd.
std::unique_ptr<Manager> open_systemd(const config::ServiceSettings& settings);
// Through the XML-RPC interface on its Unix socket.
std::unique_ptr<Manager> open_supervisord(const config::ServiceSettings& settings);
// Through sv.
std::unique_ptr<Manager> open_runit(const config::ServiceSettings& settings);
// Processes that respawn itself starts, each in a session of its own, and knows again by a file with
// their pid and the time they began.
std::unique_ptr<Manager> open_processes(const config::ServiceSettings& settings);

} // namespace respawn::service
