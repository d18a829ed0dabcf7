// Threads that do tasks in the order in which they were given.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace respawn {

// Thread-safe. The threads begin with the first task. How much waits is for the giver to bound.
class ThreadPool {
  public:
    explicit ThreadPool(std::size_t threads = std::thread::hardware_concurrency());
    // Ends the tasks that have begun and drops the rest.
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    void begin(std::function<void()> task);
    std::size_t size() const { return size_; }

  private:
    void work();

    const std::size_t size_;
    std::mutex mutex_;
    std::condition_variable given_;
    std::deque<std::function<void()>> tasks_;
    std::vector<std::thread> threads_;
    bool stopping_ = false;
};

} // namespace respawn
