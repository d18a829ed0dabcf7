// The host's side of a worker: a process of its own in which one script runs (bindings/worker), caged
// and holding nothing. Everything it sends may be hostile; it can lie, hang, flood and die, and all
// that comes of it is one Error.
#pragma once

#include "base/cancel.h"
#include "base/time.h"
#include "base/value.h"
#include "io/file.h"

#include <sys/types.h>

namespace respawn::run {

struct WorkerLimits {
    std::size_t memory_bytes = std::size_t{ 64 } << 20;
    // How long the script may compute, over the whole task; time the host takes to answer doesn't
    // count.
    Duration deadline = std::chrono::minutes(10);
    // The worker program; empty: $RESPAWN_WORKER, else respawn-worker beside this program.
    io::Path program = {};
};

class Worker {
  public:
    // Starts the process and tells it its task (docs/protocol.md); memory_bytes is added from the
    // limits. It is killed when the thread that starts it ends, so that no script outlives its host.
    static Result<Worker> start(Value::Map task, const WorkerLimits& limits,
                                const Cancellation& cancel);

    // The script's next message. Once it fails the process is gone, and the error says how it ended:
    // Kind::timeout past the deadline, Kind::cancelled, Kind::denied when it tried what it may not,
    // Kind::corrupt for what is no message, else Kind::script.
    Result<Value> receive();
    // Answers it.
    Result<void> send(const Value& answer);

    // Kills and reaps it.
    ~Worker();
    Worker(Worker&& other) noexcept;
    Worker& operator=(Worker&&) = delete;

  private:
    Worker(pid_t process, io::Descriptor socket, const WorkerLimits& limits, const Cancellation& cancel)
        : process_(process), socket_(std::move(socket)), limits_(limits), left_(limits.deadline),
          cancel_(&cancel) {}
    Error end_after(const Error& fault);
    int reap(bool kill_first);

    pid_t process_;
    io::Descriptor socket_;
    WorkerLimits limits_;
    Duration left_;
    const Cancellation* cancel_;
};

} // namespace respawn::run
