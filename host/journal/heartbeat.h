// Does something again and again on a thread of its own, until it ends.
#pragma once

#include "base/time.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace respawn::journal {

class Heartbeat {
  public:
    Heartbeat(Duration interval, std::function<void()> beat);
    ~Heartbeat(); // waits for a beat that is under way
    Heartbeat(const Heartbeat&) = delete;
    Heartbeat& operator=(const Heartbeat&) = delete;

  private:
    std::mutex mutex_;
    std::condition_variable ending_;
    bool ends_ = false;
    std::thread thread_;
};

} // namespace respawn::journal
