// Kills a child at its Nth call that changes a file system, to see what a killed restore leaves.
#pragma once

#include <functional>

// Runs `work` in a child that is killed at its `at`th changing call. True when it was killed, false
// when it came to its end before.
bool killed_at(int at, const std::function<void()>& work);
