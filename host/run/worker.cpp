#include "run/worker.h"

#include "base/frame.h"
#include "base/text.h"
#include "io/spawn.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace respawn::run {

namespace {

constexpr int workers_end = 3;
// The worker reads and answers at once; this is for a machine that is very busy.
constexpr auto send_patience = std::chrono::seconds(60);
constexpr auto exit_patience = std::chrono::seconds(5);

Result<io::Path> find_program(const io::Path& given) {
    if (!given.empty())
        return given;
    if (const char* named = std::getenv("RESPAWN_WORKER"); named && *named)
        return io::Path(named);
    std::error_code fault;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", fault);
    const auto beside = self.parent_path() / "respawn-worker";
    if (fault || !io::is_there(beside))
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("there is no {}", printable(beside.string())),
                      .fix = "install respawn-worker beside respawn; both come from one build" };
    return beside;
}

void plan_files(io::SpawnPlan& plan, int socket) {
    // The socket first: its number may be one of those that are opened next.
    posix_spawn_file_actions_adddup2(&plan.files, socket, workers_end);
    posix_spawn_file_actions_addclosefrom_np(&plan.files, workers_end + 1);
    posix_spawn_file_actions_addopen(&plan.files, 0, "/dev/null", O_RDONLY, 0);
    for (const int output : { 1, 2 })
        posix_spawn_file_actions_addopen(&plan.files, output, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addchdir_np(&plan.files, "/");
}

Result<pid_t> spawn(const io::Path& program, int socket) {
    io::SpawnPlan plan;
    plan_files(plan, socket);
    std::string name = "respawn-worker";
    char* const arguments[] = { name.data(), nullptr };
    char* const environment[] = { nullptr };
    pid_t process = 0;
    const int fault =
        posix_spawn(&process, program.c_str(), &plan.files, &plan.attributes, arguments, environment);
    if (fault != 0)
        return io::system_error("start", program, fault);
    return process;
}

// True once the process has ended; it is not reaped.
bool ends_within(pid_t process, Duration span) {
    const int handle = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
    if (handle < 0)
        return false;
    const io::Descriptor descriptor(handle);
    pollfd one{ .fd = handle, .events = POLLIN, .revents = 0 };
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
    return ::poll(&one, 1, static_cast<int>(wait)) > 0;
}

Error stopped(const WorkerLimits& limits) {
    return { .kind = Kind::timeout,
             .why = fmt::format("the script took longer than its deadline of {} and was stopped",
                                human_duration(limits.deadline)),
             .fix = "look for a loop that does not end, or give the runbook a longer deadline" };
}

Error refused_call(std::int64_t number) {
    return { .kind = Kind::denied,
             .why = fmt::format("the script's process tried something it may not (system call {}) "
                                "and was stopped",
                                number),
             .fix = "do not run this script again; it broke out of its language" };
}

Error died(int status) {
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return { .kind = Kind::denied,
                 .why = "the script's process tried something it may not and was stopped" };
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM))
        return { .kind = Kind::script,
                 .why = fmt::format("the script's process was killed by signal {} from outside",
                                    WTERMSIG(status)),
                 .fix = "if the machine is short of memory, free some and run it again" };
    if (WIFSIGNALED(status))
        return { .kind = Kind::script,
                 .why = fmt::format("the script's process crashed (signal {})", WTERMSIG(status)) };
    return { .kind = Kind::script,
             .why = fmt::format("the script's process ended early (exit {})", WEXITSTATUS(status)) };
}

} // namespace

Result<Worker> Worker::start(Value::Map task, const WorkerLimits& limits, const Cancellation& cancel) {
    const auto program = TRY(find_program(limits.program));
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return io::system_error("open a socket for", program, errno);
    io::Descriptor ours(ends[0]);
    const io::Descriptor theirs(ends[1]);
    const auto process = TRY(spawn(program, theirs.number()));
    Worker worker(process, std::move(ours), limits, cancel);
    task.insert_or_assign("memory_bytes", static_cast<std::int64_t>(limits.memory_bytes));
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits.deadline).count();
    task.insert_or_assign("processor_seconds", std::int64_t{ seconds } + 60);
    TRY(worker.send(task));
    return worker;
}

Result<Value> Worker::receive() {
    if (process_ < 0)
        return Error{ .kind = Kind::internal, .why = "the worker has ended already" };
    const auto before = std::chrono::steady_clock::now();
    auto message = receive_frame(socket_.number(), Patience{ before + left_, cancel_ });
    left_ -= std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - before);
    if (!message.ok())
        return end_after(message.error());
    if (message.value().text_at("kind") == "refused") {
        reap(true);
        return refused_call(message.value().integer_at("call"));
    }
    return message;
}

Result<void> Worker::send(const Value& answer) {
    if (process_ < 0)
        return Error{ .kind = Kind::internal, .why = "the worker has ended already" };
    const Patience patience{ std::chrono::steady_clock::now() + send_patience, cancel_ };
    const auto sent = send_frame(socket_.number(), answer, patience);
    if (!sent.ok() && sent.error().kind != Kind::usage)
        return end_after(sent.error());
    return sent;
}

Error Worker::end_after(const Error& fault) {
    const bool went_by_itself = fault.kind == Kind::missing && ends_within(process_, exit_patience);
    const int status = reap(!went_by_itself);
    if (fault.kind == Kind::timeout)
        return stopped(limits_);
    if (went_by_itself)
        return died(status);
    if (fault.kind == Kind::corrupt)
        return { .kind = Kind::corrupt,
                 .why = "the script's process sent what is no message: " + fault.why };
    return fault;
}

int Worker::reap(bool kill_first) {
    int status = 0;
    if (kill_first)
        ::kill(process_, SIGKILL);
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    socket_.close();
    return status;
}

Worker::~Worker() {
    if (process_ > 0)
        reap(true);
}

Worker::Worker(Worker&& other) noexcept
    : process_(std::exchange(other.process_, -1)), socket_(std::move(other.socket_)),
      limits_(std::move(other.limits_)), left_(other.left_), cancel_(other.cancel_) {}

} // namespace respawn::run
