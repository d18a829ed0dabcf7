#include "io/process.h"

#include "base/text.h"
#include "io/file.h"
#include "io/spawn.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace respawn::io {

namespace {

constexpr std::size_t most_shown = 500;
constexpr std::size_t most_kept = 64 << 10;

Error could_not(std::string_view what, int number) {
    return Error{ .kind = Kind::io, .why = fmt::format("cannot {}: {}", what, std::strerror(number)) };
}

// A file without a name, for this user alone.
Result<Descriptor> nameless_file(std::string_view content) {
    Descriptor file(::memfd_create("respawn", MFD_CLOEXEC));
    if (file.number() < 0 || ::fchmod(file.number(), 0600) != 0)
        return could_not("make a file in memory", errno);
    while (!content.empty()) {
        const auto written = ::write(file.number(), content.data(), content.size());
        if (written < 0)
            return could_not("write a file in memory", errno);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    ::lseek(file.number(), 0, SEEK_SET);
    return file;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts)
        all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

Result<pid_t> spawn(const Program& program, int output, int faults, int hidden) {
    SpawnPlan plan;
    // Numbers far from those they go to, so that none covers another.
    posix_spawn_file_actions_addopen(&plan.files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&plan.files, output, 1);
    posix_spawn_file_actions_adddup2(&plan.files, faults, 2);
    posix_spawn_file_actions_adddup2(&plan.files, hidden, 3);
    posix_spawn_file_actions_addclosefrom_np(&plan.files, 4);
    std::vector<std::string> arguments = { program.name };
    arguments.insert(arguments.end(), program.arguments.begin(), program.arguments.end());
    auto environment = program.environment;
    auto argument_pointers = pointers(arguments), environment_pointers = pointers(environment);
    pid_t process = 0;
    const int fault = posix_spawnp(&process, program.name.c_str(), &plan.files, &plan.attributes,
                                   argument_pointers.data(), environment_pointers.data());
    if (fault == ENOENT)
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("the program {} is not installed", program.name) };
    if (fault != 0)
        return could_not("start " + program.name, fault);
    return process;
}

Result<Descriptor> raised(Descriptor low) {
    Descriptor high(::fcntl(low.number(), F_DUPFD_CLOEXEC, 10));
    if (high.number() < 0)
        return could_not("make a file number", errno);
    return high;
}

class ProgramOutput final : public Source {
  public:
    ProgramOutput(std::string name, pid_t process, Descriptor output, Descriptor faults)
        : name_(std::move(name)), process_(process), output_(std::move(output)),
          faults_(std::move(faults)) {}
    ~ProgramOutput() override {
        if (process_ <= 0)
            return;
        ::kill(process_, SIGTERM);
        output_ = Descriptor();
        (void)ended();
    }
    ProgramOutput(const ProgramOutput&) = delete;
    ProgramOutput& operator=(const ProgramOutput&) = delete;

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        if (process_ <= 0)
            return end_;
        for (;;) {
            const auto got = ::read(output_.number(), buffer, size);
            if (got > 0)
                return static_cast<std::size_t>(got);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return could_not("read from " + name_, errno);
            const int status = ended();
            if (status != 0)
                end_ = failed(status);
            return end_;
        }
    }

  private:
    int ended() {
        int status = 0;
        while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
        }
        process_ = 0;
        return status;
    }

    Error failed(int status) const {
        std::string text(most_shown, '\0');
        const auto size = ::lseek(faults_.number(), 0, SEEK_END);
        const auto from = std::max<off_t>(0, size - static_cast<off_t>(most_shown));
        const auto got = ::pread(faults_.number(), text.data(), text.size(), from);
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
        const auto how = WIFSIGNALED(status) ? fmt::format("was killed by signal {}", WTERMSIG(status))
                                             : fmt::format("ended with {}", WEXITSTATUS(status));
        return Error{ .kind = Kind::io,
                      .why = fmt::format("{} {}: {}", name_, how, printable(trimmed(text))) };
    }

    std::string name_;
    pid_t process_;
    Descriptor output_, faults_;
    Result<std::size_t> end_ = std::size_t{ 0 };
};

// A program that is being run to its end; killed with all its group when this goes before that.
class Running {
  public:
    Running(pid_t process, Descriptor output) : process_(process), output_(std::move(output)) {
        ::fcntl(output_.number(), F_SETFL, O_NONBLOCK);
    }
    ~Running() {
        if (process_ <= 0)
            return;
        ::kill(-process_, SIGKILL);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    // Waits a little for output or the end; true once it has ended and all that it wrote is read. What
    // it left running may hold the pipe open: that is not waited for.
    bool step() {
        pollfd ready{ .fd = open_ ? output_.number() : -1, .events = POLLIN };
        (void)::poll(&ready, 1, step_milliseconds);
        int status = 0;
        const bool ended = ::waitpid(process_, &status, WNOHANG) == process_;
        read_some();
        if (ended) {
            process_ = 0;
            status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
        return ended;
    }
    int status() const { return status_; }
    std::string take_output() { return std::move(text_); }

  private:
    static constexpr int step_milliseconds = 20;

    void read_some() {
        char buffer[4096];
        for (std::size_t reads = 0; open_ && reads < 64; ++reads) {
            const auto got = ::read(output_.number(), buffer, sizeof buffer);
            if (got < 0)
                return;
            open_ = got > 0;
            const auto room = most_kept - std::min(most_kept, text_.size());
            text_.append(buffer, std::min(room, static_cast<std::size_t>(got)));
        }
    }

    pid_t process_;
    Descriptor output_;
    bool open_ = true;
    int status_ = 0;
    std::string text_;
};

} // namespace

Result<Ended> run_to_end(const Program& program, Duration deadline, const Cancellation& cancel) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + deadline;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return could_not("make a pipe", errno);
    Descriptor output(ends[0]);
    auto input = TRY(raised(Descriptor(ends[1])));
    const auto hidden = TRY(raised(TRY(nameless_file(program.hidden))));
    const auto faults = TRY(raised(TRY(nameless_file(""))));
    Running running(TRY(spawn(program, input.number(), faults.number(), hidden.number())),
                    std::move(output));
    input.close();
    while (!running.step()) {
        TRY(cancel.check());
        if (Clock::now() >= end)
            return Error{ .kind = Kind::timeout,
                          .why = fmt::format("{} had not ended after {}, and was killed", program.name,
                                             human_duration(deadline)) };
    }
    auto said = TRY(read_at(faults.number(), 0, most_kept, "a file in memory"));
    return Ended{ .status = running.status(),
                  .output = running.take_output(),
                  .faults = std::move(said) };
}

Result<std::unique_ptr<Source>> run_program(const Program& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return could_not("make a pipe", errno);
    Descriptor output(ends[0]);
    const auto input = TRY(raised(Descriptor(ends[1])));
    const auto hidden = TRY(raised(TRY(nameless_file(program.hidden))));
    auto faults = TRY(raised(TRY(nameless_file(""))));
    const auto process = TRY(spawn(program, input.number(), faults.number(), hidden.number()));
    return std::unique_ptr<Source>(
        std::make_unique<ProgramOutput>(program.name, process, std::move(output), std::move(faults)));
}

} // namespace respawn::io
