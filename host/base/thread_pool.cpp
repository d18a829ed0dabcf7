#include "base/thread_pool.h"

#include <algorithm>

namespace respawn {

ThreadPool::ThreadPool(std::size_t threads) : size_(std::max<std::size_t>(1, threads)) {}

ThreadPool::~ThreadPool() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    given_.notify_all();
    for (auto& thread : threads_)
        thread.join();
}

void ThreadPool::begin(std::function<void()> task) {
    {
        const std::scoped_lock lock(mutex_);
        tasks_.push_back(std::move(task));
        if (threads_.size() < size_)
            threads_.emplace_back([this] { work(); });
    }
    given_.notify_one();
}

void ThreadPool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        given_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
        if (stopping_)
            return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        task = nullptr; // what it holds goes before the lock is taken
        lock.lock();
    }
}

} // namespace respawn
