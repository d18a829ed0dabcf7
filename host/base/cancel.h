// Cancellation: a flag that long work looks at between its steps. Ctrl-C sets it; thread-safe and
// safe to set from a signal handler.
#pragma once

#include "base/result.h"

#include <atomic>

namespace respawn {

class Cancellation {
  public:
    void request() { requested_.store(true, std::memory_order_relaxed); }
    bool requested() const { return requested_.load(std::memory_order_relaxed); }
    // Kind::cancelled once it was requested.
    Result<void> check() const {
        if (requested())
            return Error{ .kind = Kind::cancelled, .why = "interrupted by the person" };
        return {};
    }

  private:
    std::atomic<bool> requested_ = false;
};

} // namespace respawn
