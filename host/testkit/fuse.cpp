#include "testkit/fuse.h"

#include "base/frame.h"
#include "testkit/passing_database.h"

#include <csignal>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace respawn::testkit {

namespace {

class Fuse {
  public:
    Fuse(Cut cut, int tell) : cut_(std::move(cut)), tell_(tell) {}

    void pass(std::string_view boundary) {
        if (++passed_ == cut_.boundary || (!cut_.named.empty() && boundary == cut_.named))
            burn(boundary);
    }
    void committed(const std::string& why) {
        if (!cut_.after_commit.empty() && why == cut_.after_commit)
            burn("behind the commit: " + why);
        pass("behind the commit: " + why);
    }

  private:
    [[noreturn]] void burn(std::string_view boundary) const {
        (void)send_frame(tell_, Value::Map{ { "boundary", boundary } });
        ::kill(::getpid(), SIGKILL);
        ::_exit(1); // never reached
    }

    Cut cut_;
    int tell_;
    std::int64_t passed_ = 0;
};

class CutJournal final : public journal::Journal {
  public:
    CutJournal(std::unique_ptr<journal::Journal> inner, std::shared_ptr<Fuse> fuse)
        : inner_(std::move(inner)), fuse_(std::move(fuse)) {}

    template <class Operation> auto between(const std::string& name, Operation operation) {
        fuse_->pass("before " + name);
        auto result = operation();
        fuse_->pass("behind " + name);
        return result;
    }

    Result<void> start_run(journal::RunRecord& run, const journal::Sources& sources) override {
        return between("start_run", [&] { return inner_->start_run(run, sources); });
    }
    Result<journal::RunRecord> take_over(std::string_view run) override {
        return between("take_over", [&] { return inner_->take_over(run); });
    }
    Result<void> adopt_plan(const journal::RunRecord& run) override {
        return between("adopt_plan", [&] { return inner_->adopt_plan(run); });
    }
    Result<void> must_hold(std::string_view run) override { return inner_->must_hold(run); }
    Result<void> note(std::string_view run, const journal::CallRecord& call) override {
        return inner_->note(run, call); // not durable by itself
    }
    Result<void> begin(std::string_view run, const journal::CallRecord& call) override {
        return between("begin of " + call.name, [&] { return inner_->begin(run, call); });
    }
    Result<void> settle(std::string_view run, std::int64_t position, journal::CallState state,
                        const Value& result) override {
        return between(fmt::format("settle of step {}", position),
                       [&] { return inner_->settle(run, position, state, result); });
    }
    Result<void> save_answer(std::string_view run, const journal::AnswerRecord& answer) override {
        return between("answer", [&] { return inner_->save_answer(run, answer); });
    }
    Result<void> set_phase(std::string_view run, std::string_view phase) override {
        return between(fmt::format("phase {}", phase), [&] { return inner_->set_phase(run, phase); });
    }
    Result<void> forget_reads(std::string_view run, std::int64_t from_position) override {
        return between("forget_reads", [&] { return inner_->forget_reads(run, from_position); });
    }
    Result<void> set_state(std::string_view run, journal::RunState state, const Value& error) override {
        return between(fmt::format("state {}", journal::name_of(state)),
                       [&] { return inner_->set_state(run, state, error); });
    }
    Result<std::vector<journal::RunRecord>> runs(std::size_t most) override {
        return inner_->runs(most);
    }
    Result<journal::RunRecord> run(std::string_view name) override { return inner_->run(name); }
    Result<std::vector<journal::CallRecord>> calls(std::string_view run) override {
        return inner_->calls(run);
    }
    Result<std::vector<journal::AnswerRecord>> answers(std::string_view run) override {
        return inner_->answers(run);
    }
    Result<void> approve(const journal::ApprovalRecord& approval) override {
        return inner_->approve(approval);
    }
    Result<std::vector<journal::ApprovalRecord>> approvals(std::string_view plan) override {
        return inner_->approvals(plan);
    }
    Result<journal::Sources> sources(std::string_view run) override { return inner_->sources(run); }
    Result<void> save_plan(const journal::PlanRecord& plan) override {
        return between("save_plan", [&] { return inner_->save_plan(plan); });
    }
    Result<journal::PlanRecord> plan(std::string_view hash) override { return inner_->plan(hash); }
    Result<void> save_rehearsal(const journal::RehearsalRecord& rehearsal) override {
        return between("save_rehearsal", [&] { return inner_->save_rehearsal(rehearsal); });
    }
    Result<std::vector<journal::RehearsalRecord>> rehearsals(std::size_t most,
                                                             std::string_view sources) override {
        return inner_->rehearsals(most, sources);
    }
    Result<journal::RehearsalRecord> rehearsal(std::string_view name) override {
        return inner_->rehearsal(name);
    }
    Result<void> note_marker(std::string_view component, const database::MarkerState& state) override {
        return between("note_marker", [&] { return inner_->note_marker(component, state); });
    }
    Result<void> accept_marker(std::string_view component,
                               const database::MarkerState& state) override {
        return between("accept_marker", [&] { return inner_->accept_marker(component, state); });
    }
    Result<std::int64_t> remove_ended(Moment before) override { return inner_->remove_ended(before); }
    Result<journal::AuditReport> audit(std::string_view known_head) override {
        return inner_->audit(known_head);
    }
    Result<void> copy_to(const io::Path& file) override { return inner_->copy_to(file); }

  private:
    std::unique_ptr<journal::Journal> inner_;
    std::shared_ptr<Fuse> fuse_;
};

class CutDatabase final : public PassingDatabase {
  public:
    CutDatabase(std::unique_ptr<database::Database> inner, std::shared_ptr<Fuse> fuse)
        : PassingDatabase(std::move(inner)), fuse_(std::move(fuse)) {}

    Result<database::Written> write(const database::Write& write, const database::Marker& marker,
                                    const database::Approval& approve) override {
        auto written = PassingDatabase::write(write, marker, approve);
        if (written.ok())
            fuse_->committed(write.why);
        return written;
    }

  private:
    std::shared_ptr<Fuse> fuse_;
};

// Until the child has closed its end: where it was killed, or its answer.
Result<Ended> hear(int child) {
    Ended ended;
    for (;;) {
        const auto message = receive_frame(child);
        if (!message.ok() && message.error().kind == Kind::missing)
            return ended;
        if (!message.ok())
            return message.error();
        ended.boundary = message.value().text_at("boundary", ended.boundary);
        if (!message.value().at("answer").is_null())
            ended.answer = message.value().at("answer");
    }
}

int wait_for(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

} // namespace

run::Wraps fuse(const Cut& cut, int tell) {
    const auto fuse = std::make_shared<Fuse>(cut, tell);
    return { .journal =
                 [fuse](std::unique_ptr<journal::Journal> inner) {
                     return std::make_unique<CutJournal>(std::move(inner), fuse);
                 },
             .database =
                 [fuse](std::unique_ptr<database::Database> inner) {
                     return std::make_unique<CutDatabase>(std::move(inner), fuse);
                 },
             .clock = {} };
}

Result<Ended> in_child(const Cut& cut, const std::function<Value(const run::Wraps&)>& body) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return io::system_error("open a socket for", "a run", errno);
    const io::Descriptor ours(ends[0]);
    io::Descriptor theirs(ends[1]);
    const auto process = ::fork();
    if (process < 0)
        return io::system_error("start", "a run", errno);
    if (process == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const auto answer = body(fuse(cut, theirs.number()));
        const bool told = send_frame(theirs.number(), Value::Map{ { "answer", answer } }).ok();
        ::_exit(told ? 0 : 1); // what the parent owns is the parent's to remove
    }
    theirs.close();
    auto ended = hear(ours.number());
    const int status = wait_for(process);
    if (!ended.ok())
        return ended;
    ended.value().killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!ended.value().killed && ended.value().answer.is_null())
        return Error{ .kind = Kind::internal,
                      .why = fmt::format("the run's process ended without an answer (status {})",
                                         status) };
    return ended;
}

} // namespace respawn::testkit
