#include "journal/heartbeat.h"

namespace respawn::journal {

Heartbeat::Heartbeat(Duration interval, std::function<void()> beat)
    : thread_([this, interval, beat = std::move(beat)] {
          std::unique_lock lock(mutex_);
          while (!ending_.wait_for(lock, interval, [&] { return ends_; })) {
              lock.unlock();
              beat();
              lock.lock();
          }
      }) {}

Heartbeat::~Heartbeat() {
    {
        const std::scoped_lock lock(mutex_);
        ends_ = true;
    }
    ending_.notify_one();
    thread_.join();
}

} // namespace respawn::journal
