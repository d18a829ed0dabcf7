// What a child process is started with (posix_spawn); freed with its owner.
#pragma once

#include <spawn.h>

namespace respawn::io {

// Signals as a fresh process has them, and a process group of its own: Ctrl-C is for the host. Which
// files it gets is for the caller to say.
struct SpawnPlan {
    SpawnPlan();
    ~SpawnPlan();
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    posix_spawn_file_actions_t files{};
    posix_spawnattr_t attributes{};
};

} // namespace respawn::io
