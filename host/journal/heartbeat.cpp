#include "journal/heartbeat.h"

#include <csignal>

namespace respawn::journal {

namespace {

// A Ctrl-C is for the thread that waits for something.
void leave_signals_to_others() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

} // namespace

Heartbeat::Heartbeat(Duration interval, std::function<void()> beat)
    : thread_([this, interval, beat = std::move(beat)] {
          leave_signals_to_others();
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
