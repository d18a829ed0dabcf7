#include "service/managers.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "io/file.h"
#include "service/processes.h"

namespace respawn::service {

namespace {

// What the new process needs, made before it is there: it shares our memory's state at that moment
// and may call nothing that takes a lock.
struct Birth {
    std::vector<char*> arguments, environment;
    const char* folder = nullptr;
    const char* program = nullptr; // its path
    const char* beside = nullptr;  // the pid's file under its first name
    const char* name = nullptr;    // and under its own
    int log = -1, pid_file = -1, fault = -1, nothing = -1;
};

// The process itself writes down who it is, before it becomes the program: however we may be killed,
// no service runs that the file does not know.
bool write_down(const Birth& birth) {
    char stat[1024];
    const int own = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    const auto size = own < 0 ? -1 : ::read(own, stat, sizeof stat);
    return size > 0 && ::write(birth.pid_file, stat, static_cast<std::size_t>(size)) == size &&
           ::rename(birth.beside, birth.name) == 0;
}

[[noreturn]] void become(const Birth& birth) {
    ::setsid();
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::chdir(birth.folder) == 0 && write_down(birth) && ::dup2(birth.nothing, 0) == 0 &&
        ::dup2(birth.log, 1) == 1 && ::dup2(birth.log, 2) == 2 &&
        ::dup3(birth.fault, 3, O_CLOEXEC) == 3 && ::close_range(4, ~0U, 0) == 0)
        ::execve(birth.program, birth.arguments.data(), birth.environment.data());
    const int fault = errno;
    const auto to = ::fcntl(3, F_GETFD) >= 0 && ::fcntl(birth.fault, F_GETFD) < 0 ? 3 : birth.fault;
    (void)!::write(to, &fault, sizeof fault);
    ::_exit(127);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts)
        all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

// Where a program without a '/' in its name lies.
Result<std::string> path_of_program(const std::string& name) {
    if (name.find('/') != std::string::npos)
        return name;
    for (const auto folder :
         { "/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/local/sbin/", "/usr/sbin/", "/sbin/" })
        if (::access((folder + name).c_str(), X_OK) == 0)
            return folder + name;
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("the program {} is not installed", printable(name)),
                  .fix = "give its whole path in `command:`" };
}

// With a number above those that the new process gets.
Result<io::Descriptor> high(io::Descriptor low, const io::Path& path) {
    io::Descriptor raised(low.open() ? ::fcntl(low.number(), F_DUPFD_CLOEXEC, 10) : -1);
    if (!raised.open())
        return io::system_error("open", path, errno);
    return raised;
}

Result<io::Descriptor> open_high(const io::Path& path, int flags) {
    return high(io::Descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0640)), path);
}

// Without the secrets that our own environment may hold.
std::vector<std::string> environment_of_unit() {
    std::vector<std::string> all = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    };
    for (const auto name : { "HOME", "USER", "LOGNAME", "LANG", "TZ" })
        if (const char* text = std::getenv(name))
            all.push_back(fmt::format("{}={}", name, text));
    return all;
}

Result<void> must_have_become(int from, const std::string& program) {
    int fault = 0;
    ssize_t got = 0;
    while ((got = ::read(from, &fault, sizeof fault)) < 0 && errno == EINTR) {
    }
    if (got == 0)
        return {}; // closed by the program taking over
    return Error{ .kind = fault == ENOENT ? Kind::missing : Kind::io,
                  .why =
                      fmt::format("could not start {}: {}", printable(program), std::strerror(fault)),
                  .fix = "check `command:` and `folder:` of this unit" };
}

class Processes final : public Manager {
  public:
    explicit Processes(config::ServiceSettings settings) : settings_(std::move(settings)) {}

    Result<Unit> look(const config::UnitSettings& unit) override {
        const auto known = TRY(read_file(unit));
        if (!known)
            return Unit{ .state = State::stopped };
        reap(known->pid);
        if (const auto process = find_process(known->pid); is_same(process, *known))
            return Unit{ .state = is_told_to_stop(unit) ? State::stopping : State::running,
                         .pid = process->pid,
                         .process_start = process->start,
                         .since = moment_of(process->start) };
        if (const auto left = find_left(*known))
            return Unit{ .state = State::stopping,
                         .pid = left->pid,
                         .why = "its main process has ended, and what that had started has not" };
        Unit ended{ .state = is_told_to_stop(unit) ? State::stopped : State::failed };
        if (const auto status = statuses_.find(known->pid); status != statuses_.end())
            ended.exit_code = status->second;
        if (ended.state == State::failed)
            ended.why = "it ended by itself";
        return ended;
    }

    Result<void> ask_to_start(const config::UnitSettings& unit) override {
        TRY(io::make_folder(settings_.folder));
        const auto alone = TRY(io::FileLock::lock(file_of(unit, ".lock")));
        const auto found = TRY(look(unit));
        if (found.pid != 0 && found.state == State::running)
            return {};
        if (found.pid != 0)
            return Error{ .kind = Kind::conflict,
                          .why = fmt::format("process {} of it still runs", found.pid),
                          .fix = "stop it first" };
        TRY(io::remove_durably(file_of(unit, ".stop")));
        return give_birth(unit);
    }

    // To its whole group: what it has started should not outlive it.
    Result<void> ask_to_stop(const config::UnitSettings& unit) override {
        TRY(io::make_folder(settings_.folder));
        TRY(io::replace_durably(file_of(unit, ".stop"), ""));
        return signal(unit, SIGTERM);
    }
    Result<void> kill(const config::UnitSettings& unit) override { return signal(unit, SIGKILL); }
    Result<std::string> what_forbids(const config::UnitSettings& unit) override {
        const auto program = path_of_program(unit.command.front());
        return program.ok() ? std::string() : program.error().why;
    }

  private:
    io::Path file_of(const config::UnitSettings& unit, std::string_view kind) const {
        return settings_.folder / fmt::format("{}{}", unit.name, kind);
    }
    bool is_told_to_stop(const config::UnitSettings& unit) const {
        return io::is_there(file_of(unit, ".stop"));
    }

    // The first line names the boot, the second is the process's own /proc/PID/stat.
    Result<std::optional<Process>> read_file(const config::UnitSettings& unit) const {
        const auto text = io::read_file(file_of(unit, ".pid"), 4096);
        if (!text.ok() && text.error().kind == Kind::missing)
            return std::optional<Process>();
        const auto all = TRY(text);
        const auto line = all.find('\n');
        if (line == std::string::npos || all.substr(0, line) != boot())
            return std::optional<Process>();
        return process_in(std::string_view(all).substr(line + 1));
    }

    static bool is_same(const std::optional<Process>& found, const Process& known) {
        return found && found->start == known.start;
    }

    // Of its group, which keeps its number as long as one of it lives. A pid that is another process's
    // by now is nothing of ours.
    static std::optional<Process> find_left(const Process& known) {
        if (find_process(known.pid))
            return std::nullopt;
        return find_in_group(known.pid);
    }

    // One that we started ourselves stays there as a zombie until we look.
    void reap(std::int64_t pid) {
        int status = 0;
        if (children_.contains(pid) && ::waitpid(static_cast<pid_t>(pid), &status, WNOHANG) == pid) {
            children_.erase(pid);
            statuses_[pid] = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
    }

    Result<void> signal(const config::UnitSettings& unit, int signal) {
        const auto known = TRY(read_file(unit));
        if (!known || (!is_same(find_process(known->pid), *known) && !find_left(*known)))
            return {};
        if (::kill(-static_cast<pid_t>(known->pid), signal) != 0 && errno != ESRCH)
            return io::system_error("signal process", std::to_string(known->pid), errno);
        return {};
    }

    Result<void> give_birth(const config::UnitSettings& unit) {
        const auto name = file_of(unit, ".pid").string(), beside = file_of(unit, ".pid.new").string();
        const auto log_path = unit.log.empty() ? file_of(unit, ".log") : unit.log;
        const auto program = TRY(path_of_program(unit.command.front()));
        ::unlink(beside.c_str());
        const auto pid_file = TRY(high(TRY(io::open_new(beside)), beside));
        TRY(io::write_fully(pid_file.number(), boot() + "\n", beside));
        TRY(io::make_folder(log_path.parent_path()));
        const auto log = TRY(open_high(log_path, O_WRONLY | O_CREAT | O_APPEND));
        const auto nothing = TRY(open_high("/dev/null", O_RDONLY));
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            return io::system_error("make", "a pipe", errno);
        const io::Descriptor fault(ends[0]);
        auto told = TRY(high(io::Descriptor(ends[1]), "a pipe"));
        auto arguments = unit.command;
        auto environment = environment_of_unit();
        const Birth birth{ .arguments = pointers_to(arguments),
                           .environment = pointers_to(environment),
                           .folder = unit.folder.c_str(),
                           .program = program.c_str(),
                           .beside = beside.c_str(),
                           .name = name.c_str(),
                           .log = log.number(),
                           .pid_file = pid_file.number(),
                           .fault = told.number(),
                           .nothing = nothing.number() };
        const auto child = ::fork();
        if (child == 0)
            become(birth);
        if (child < 0)
            return io::system_error("start", program, errno);
        children_.insert(child);
        statuses_.erase(child);
        told.close();
        return must_have_become(fault.number(), program);
    }

    config::ServiceSettings settings_;
    std::set<std::int64_t> children_;
    std::map<std::int64_t, int> statuses_; // how those of them ended that have
};

} // namespace

std::unique_ptr<Manager> open_processes(const config::ServiceSettings& settings) {
    return std::make_unique<Processes>(settings);
}

} // namespace respawn::service
