// The three things a worker can be asked to do. Each ends with one last message to the host and never
// comes back: described, done, or failed.
#pragma once

#include "worker/session.h"

namespace respawn::worker {

[[noreturn]] void work(Session& session);

} // namespace respawn::worker
