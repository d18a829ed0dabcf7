#include "testkit/test_files.h"

#include "base/frame.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <list>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace respawn::testkit {

namespace {

Value to_value(const TestResult& result) {
    return Value::Map{ { "kind", "test" },
                       { "name", result.name },
                       { "passed", result.passed },
                       { "why", result.why },
                       { "timeline", Value::List(result.timeline.begin(), result.timeline.end()) },
                       { "microseconds", result.microseconds } };
}

TestResult result_from(const std::string& file, const Value& told) {
    TestResult result{ .file = file,
                       .name = told.text_at("name"),
                       .passed = told.at("passed") == Value(true),
                       .why = told.text_at("why"),
                       .timeline = {},
                       .microseconds = told.integer_at("microseconds") };
    if (const auto* lines = told.at("timeline").list())
        for (const auto& line : *lines)
            result.timeline.push_back(line.text() ? *line.text() : "");
    return result;
}

Value to_value(const Covered& covered) {
    Value::Map phases;
    for (const auto& [runbook, names] : covered.phases)
        phases.emplace(runbook, Value::List(names.begin(), names.end()));
    return Value::Map{ { "killed", Value::Map(covered.killed.begin(), covered.killed.end()) },
                       { "phases", std::move(phases) } };
}

void add_covered(const Value& told, Covered& covered) {
    if (const auto* killed = told.at("killed").map())
        for (const auto& [runbook, boundaries] : *killed)
            covered.killed[runbook] = boundaries.integer() ? *boundaries.integer() : 0;
    if (const auto* runbooks = told.at("phases").map())
        for (const auto& [runbook, phases] : *runbooks)
            for (const auto& phase : phases.list() ? *phases.list() : Value::List())
                covered.phases[runbook].insert(phase.text() ? *phase.text() : "");
}

// Hands results on in the order of the files' names, those of the first that has not ended at once.
class InOrder {
  public:
    InOrder(const std::vector<std::string>& names, const Each& each) : names_(names), each_(each) {}

    void add(const TestResult& result) {
        if (first_ < names_.size() && names_[first_] == result.file)
            each_(result);
        else
            held_[result.file].push_back(result);
    }
    void end(const std::string& file) {
        ended_.insert(file);
        while (first_ < names_.size() && ended_.contains(names_[first_]))
            if (++first_ < names_.size())
                for (const auto& result : held_[names_[first_]])
                    each_(result);
    }

  private:
    const std::vector<std::string>& names_;
    const Each& each_;
    std::size_t first_ = 0;
    std::map<std::string, std::vector<TestResult>> held_;
    std::set<std::string> ended_;
};

// The largest first: what is begun last should not be what takes longest.
std::vector<std::string> by_size(std::vector<std::string> names, const Stage& stage) {
    std::map<std::string, std::size_t> sizes;
    for (const auto& name : names) {
        const auto source = run::find_runbook(name, stage.folders);
        sizes[name] = source.ok() ? source.value().modules.at(source.value().main).size() : 0;
    }
    std::stable_sort(
        names.begin(), names.end(),
        [&](const std::string& left, const std::string& right) { return sizes[left] > sizes[right]; });
    return names;
}

// A world lives for seconds and dies with the machine: memory is the place for it, where there is one.
io::Path place_for_worlds() {
    const io::Path memory = "/dev/shm";
    const bool asked = ::getenv("TMPDIR") != nullptr;
    return !asked && ::access(memory.c_str(), W_OK) == 0 ? memory : io::Path();
}

// In the new process: runs the file and tells the parent.
[[noreturn]] void perform(const std::string& name, const Stage& stage, int parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto covered = run_test_file(name, stage, [&](const TestResult& result) {
        if (!send_frame(parent, to_value(result)).ok())
            ::_exit(1);
    });
    Value::Map end{ { "kind", "end" } };
    if (covered.ok())
        end.emplace("covered", to_value(covered.value()));
    else
        end.emplace("why", covered.error().why);
    ::_exit(send_frame(parent, end).ok() ? 0 : 1);
}

// A file that is being run; killed with its owner.
class Running {
  public:
    static Result<std::unique_ptr<Running>> start(const std::string& name, const Stage& stage) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            return io::system_error("open a socket for", name, errno);
        io::Descriptor ours(ends[0]);
        const io::Descriptor theirs(ends[1]);
        const auto process = ::fork();
        if (process < 0)
            return io::system_error("start the test", name, errno);
        if (process == 0)
            perform(name, stage, theirs.number());
        return std::unique_ptr<Running>(new Running(name, process, std::move(ours)));
    }
    ~Running() {
        ::kill(process_, SIGKILL);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    const std::string& name() const { return name_; }
    int socket() const { return socket_.number(); }
    // One message; false when the file has ended.
    bool hear(const Each& each, Covered& covered) {
        const auto message = receive_frame(socket_.number());
        if (message.ok() && message.value().text_at("kind") == "test") {
            each(result_from(name_, message.value()));
            return true;
        }
        const auto why = message.ok() ? message.value().text_at("why") : "its process died";
        if (!why.empty())
            each({ .file = name_, .name = "the file runs to its end", .passed = false, .why = why });
        if (message.ok())
            add_covered(message.value().at("covered"), covered);
        return false;
    }

  private:
    Running(std::string name, pid_t process, io::Descriptor socket)
        : name_(std::move(name)), process_(process), socket_(std::move(socket)) {}
    std::string name_;
    pid_t process_;
    io::Descriptor socket_;
};

using AllRunning = std::list<std::unique_ptr<Running>>;

// Waits until one of them has something to say, and hears it.
Result<void> hear_some(AllRunning& running, const Cancellation& cancel, InOrder& results,
                       Covered& covered) {
    std::vector<pollfd> sockets;
    for (const auto& one : running)
        sockets.push_back({ .fd = one->socket(), .events = POLLIN, .revents = 0 });
    if (::poll(sockets.data(), sockets.size(), -1) < 0 && errno != EINTR)
        return io::system_error("wait for", "the tests", errno);
    TRY(cancel.check());
    for (const auto& socket : sockets) {
        const auto speaker = std::find_if(running.begin(), running.end(),
                                          [&](const auto& one) { return one->socket() == socket.fd; });
        const auto add = [&](const TestResult& result) { results.add(result); };
        if (socket.revents == 0 || (*speaker)->hear(add, covered))
            continue;
        results.end((*speaker)->name());
        running.erase(speaker);
    }
    return {};
}

} // namespace

Result<Covered> run_test_files(const std::vector<std::string>& names, const Stage& stage,
                               std::size_t at_once, const Each& each) {
    // Owned here, so that it is removed however the files' processes end.
    const auto worlds = TRY(io::TemporaryFolder::make(place_for_worlds()));
    auto here = stage;
    here.worlds = worlds.path();
    Covered covered;
    AllRunning running;
    InOrder results(names, each);
    const auto in_turn = by_size(names, stage);
    for (auto next = in_turn.begin(); next != in_turn.end() || !running.empty();) {
        if (next != in_turn.end() && running.size() < std::max<std::size_t>(1, at_once))
            running.push_back(TRY(Running::start(*next++, here)));
        else
            TRY(hear_some(running, stage.cancel, results, covered));
    }
    return covered;
}

} // namespace respawn::testkit
