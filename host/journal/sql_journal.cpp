// The journal over any store that speaks SQL.
#include "base/bytes.h"
#include "base/text.h"
#include "journal/audit.h"
#include "journal/heartbeat.h"
#include "journal/held_by.h"
#include "journal/records.h"
#include "journal/retention.h"
#include "journal/store.h"

#include <ctime>
#include <fmt/format.h>
#include <mutex>

namespace respawn::journal {

namespace {

using database::Session;

// A database in which respawn had not written yet has no incarnation.
bool differs(const std::string& known, const std::string& incarnation) {
    return !known.empty() && known != incarnation;
}

// The kernel's own clock: nobody sets it, and it goes on while a process is stopped or the machine
// sleeps.
Duration since_boot() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) +
           std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec));
}

class SqlJournal final : public Journal {
  public:
    SqlJournal(std::unique_ptr<Store> store, const crypto::Key& key, Duration lease)
        : store_(std::move(store)), records_(*store_, key), audit_(*store_, key), lease_(lease) {
        if (store_->sharing() == Sharing::fleet)
            heartbeat_.emplace(lease / 3, [this] { renew_all(); });
    }

    Result<void> start_run(RunRecord& run, const Sources& sources) override {
        const std::scoped_lock lock(mutex_);
        const auto begun = since_boot();
        run.holder = this_process();
        run.started = run.updated = now();
        TRY(store_->transaction([&](Session& session) -> Result<void> {
            run.token = TRY(next_token(session));
            // Who came first with another vault has sealed its rows under another key.
            TRY(records_.newest_runs(session, 1));
            TRY(must_be_free(session, run));
            TRY(records_.insert_run(session, run));
            TRY(records_.insert_sources(session, run.id, sources));
            TRY(records_.use_plan(session, run));
            TRY(take_lease(session, run));
            auto written = TRY(watched_approvals(session, run.plan));
            written.push_back({ "runs", { run.id } });
            return audit_.append(session, written);
        }));
        held_[run.id] = { run.token, begun + lease_ };
        return {};
    }

    Result<RunRecord> take_over(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        const auto begun = since_boot();
        RunRecord run;
        TRY(store_->transaction([&](Session& session) -> Result<void> {
            const auto token = TRY(next_token(session));
            run = TRY(records_.find_and_lock(session, name));
            TRY(must_be_open(run));
            TRY(must_be_free(session, run));
            run.token = token;
            run.holder = this_process();
            run.state = RunState::running;
            run.error = nullptr;
            run.updated = now();
            run.life = Liveness::alive;
            run.lease_left = lease_;
            TRY(session.run(
                fmt::format("update runs set token = ?, host = ?, boot = ?, pid = ?, process_start "
                            "= ?, state = 'running', error = null, updated = {} where id = ?",
                            store_->present()),
                { run.token, run.holder.host, run.holder.boot, run.holder.pid, run.holder.process_start,
                  run.id }));
            TRY(take_lease(session, run));
            return audit_.append(session, { { "runs", { run.id } } });
        }));
        held_[run.id] = { run.token, begun + lease_ };
        return run;
    }

    Result<void> adopt_plan(const RunRecord& run) override {
        const std::scoped_lock lock(mutex_);
        return durably(run.id, [&](Session& session) -> Result<void> {
            TRY(session.run("update runs set plan = ? where id = ?", { run.plan, run.id }));
            TRY(records_.use_plan(session, run));
            auto written = TRY(watched_approvals(session, run.plan));
            written.push_back({ "runs", { run.id } });
            return audit_.append(session, written);
        });
    }

    Result<void> must_hold(std::string_view run) override {
        const std::scoped_lock lock(mutex_);
        const auto held = held_.find(run);
        if (store_->sharing() == Sharing::machine ||
            (held != held_.end() && held->second.until - since_boot() > lease_ / 3))
            return {};
        return write(run, [](Session&) { return Result<void>(); });
    }

    Result<void> note(std::string_view run, const CallRecord& call) override {
        const std::scoped_lock lock(mutex_);
        noted_.push_back({ std::string(run), call });
        return {};
    }

    Result<void> begin(std::string_view run, const CallRecord& call) override {
        const std::scoped_lock lock(mutex_);
        return durably(run, [&](Session& session) -> Result<void> {
            TRY(records_.must_not_have_happened(session, run, call.position));
            TRY(records_.insert_call(session, run, call));
            return audit_.append(session, { { "calls", { run, call.position } } });
        });
    }

    Result<void> settle(std::string_view run, std::int64_t position, CallState state,
                        const Value& result) override {
        const std::scoped_lock lock(mutex_);
        return durably(run, [&](Session& session) -> Result<void> {
            TRY(session.run(
                "update calls set state = ?, result = ?, settled = ? where run = ? and position = ?",
                { name_of(state), records_.rows().sealed(result, run, "result"), now().microseconds,
                  run, position }));
            if (session.changed_rows() != 1)
                return Error{ .kind = Kind::internal,
                              .why = fmt::format("run {} has no step {} to settle", run, position) };
            return audit_.append(session, { { "calls", { run, position } } });
        });
    }

    Result<void> save_answer(std::string_view run, const AnswerRecord& answer) override {
        const std::scoped_lock lock(mutex_);
        return durably(run, [&](Session& session) -> Result<void> {
            const auto next = TRY(session.value(
                "select coalesce(max(number), 0) + 1 from answers where run = ?", { run }));
            TRY(session.run("insert into answers values (?, ?, ?, ?, ?, ?)",
                            { run, next, answer.question,
                              records_.rows().sealed(answer.answer, run, "answer"),
                              printable(answer.by), answer.given.microseconds }));
            return audit_.append(session, { { "answers", { run, next } } });
        });
    }

    Result<void> set_phase(std::string_view run, std::string_view phase) override {
        const std::scoped_lock lock(mutex_);
        return durably(run, [&](Session& session) -> Result<void> {
            TRY(session.run("update runs set phase = ? where id = ?", { printable(phase), run }));
            return audit_.append(session, { { "runs", { run } } });
        });
    }

    Result<void> forget_reads(std::string_view run, std::int64_t from_position) override {
        const std::scoped_lock lock(mutex_);
        return durably(run, [&](Session& session) -> Result<void> {
            const auto effects = TRY(session.value(
                "select count(*) from calls where run = ? and position >= ? and policy != 'none'",
                { run, from_position }));
            if (effects != Value(0))
                return Error{ .kind = Kind::internal, .why = "an effect cannot be forgotten" };
            const auto gone = TRY(session.rows(
                "select position from calls where run = ? and position >= ?", { run, from_position }));
            TRY(session.run("delete from calls where run = ? and position >= ?",
                            { run, from_position }));
            std::vector<Watched> removed;
            for (const auto& call : gone)
                removed.push_back({ "calls", { run, call.at("position") } });
            return audit_.append(session, removed);
        });
    }

    Result<void> set_state(std::string_view run, RunState state, const Value& error) override {
        const std::scoped_lock lock(mutex_);
        TRY(durably(run, [&](Session& session) -> Result<void> {
            const bool runs = state == RunState::running;
            TRY(session.run(
                fmt::format("update runs set state = ?, error = ?, finished = {} where id = ?",
                            runs ? "0" : store_->present()),
                { name_of(state), records_.rows().sealed(error, run, "error"), run }));
            TRY(audit_.append(session, { { "runs", { run } } }));
            if (runs || !TRY(lets_go(session, run, state)))
                return {};
            return session.run("delete from leases where run = ?", { run });
        }));
        if (state != RunState::running)
            held_.erase(std::string(run));
        return {};
    }

    Result<std::vector<RunRecord>> runs(std::size_t most) override {
        const std::scoped_lock lock(mutex_);
        return records_.newest_runs(*TRY(store_->session()), most);
    }

    Result<RunRecord> run(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        return records_.find_run(*TRY(store_->session()), name);
    }

    Result<std::vector<CallRecord>> calls(std::string_view run) override {
        const std::scoped_lock lock(mutex_);
        std::vector<CallRecord> all;
        for (const auto& row :
             TRY(TRY(store_->session())
                     ->rows("select * from calls where run = ? order by position", { run })))
            all.push_back(TRY(records_.rows().call(row)));
        return all;
    }

    Result<std::vector<AnswerRecord>> answers(std::string_view run) override {
        const std::scoped_lock lock(mutex_);
        return records_.answers(*TRY(store_->session()), run);
    }

    Result<Sources> sources(std::string_view run) override {
        const std::scoped_lock lock(mutex_);
        Sources sources;
        for (const auto& row :
             TRY(TRY(store_->session())
                     ->rows("select module, text from run_sources join sources using (hash) where run "
                            "= ?",
                            { run })))
            sources.emplace(text_of(row, "module"),
                            row.at("text").blob() ? row.at("text").blob()->bytes : "");
        return sources;
    }

    Result<void> save_plan(const PlanRecord& plan) override {
        const std::scoped_lock lock(mutex_);
        return store_->transaction([&](Session& session) { return records_.save_plan(session, plan); });
    }

    Result<PlanRecord> plan(std::string_view hash) override {
        const std::scoped_lock lock(mutex_);
        return records_.find_plan(*TRY(store_->session()), hash);
    }

    Result<void> approve(const ApprovalRecord& approval) override {
        const std::scoped_lock lock(mutex_);
        return store_->transaction([&](Session& session) -> Result<void> {
            TRY(records_.must_be_unused(session, approval.plan));
            const auto before = TRY(watched_approvals(session, approval.plan));
            TRY(records_.replace_approval(session, approval));
            TRY(audit_.append(session, before));
            return audit_.append(session, TRY(watched_approvals(session, approval.plan)));
        });
    }

    Result<std::vector<ApprovalRecord>> approvals(std::string_view plan) override {
        const std::scoped_lock lock(mutex_);
        return records_.approvals(*TRY(store_->session()), plan);
    }

    Result<void> save_rehearsal(const RehearsalRecord& rehearsal) override {
        const std::scoped_lock lock(mutex_);
        return store_->transaction([&](Session& session) -> Result<void> {
            TRY(records_.insert_rehearsal(session, rehearsal));
            return audit_.append(session, { { "rehearsals", { rehearsal.id } } });
        });
    }

    Result<std::vector<RehearsalRecord>> rehearsals(std::size_t most,
                                                    std::string_view sources) override {
        const std::scoped_lock lock(mutex_);
        return records_.newest_rehearsals(*TRY(store_->session()), most, sources);
    }

    Result<RehearsalRecord> rehearsal(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        return records_.find_rehearsal(*TRY(store_->session()), name);
    }

    Result<void> note_marker(std::string_view component, const database::MarkerState& state) override {
        const std::scoped_lock lock(mutex_);
        return store_->transaction([&](Session& session) -> Result<void> {
            // A write that changes nothing: nobody else notes a marker between our look and our note.
            TRY(session.run("update markers set seen = seen where component = ?", { component }));
            const auto known =
                TRY(session.rows("select * from markers where component = ?", { component }));
            if (!known.empty() && (state.highest < number_of(known[0], "highest") ||
                                   differs(text_of(known[0], "incarnation"), state.incarnation)))
                return went_back(session, component, known[0], state);
            return write_marker(session, component, state);
        });
    }

    Result<void> accept_marker(std::string_view component,
                               const database::MarkerState& state) override {
        const std::scoped_lock lock(mutex_);
        return store_->transaction(
            [&](Session& session) { return write_marker(session, component, state); });
    }

    Result<std::int64_t> remove_ended(Moment before) override {
        const std::scoped_lock lock(mutex_);
        std::int64_t removed = 0;
        TRY(store_->transaction([&](Session& session) -> Result<void> {
            removed = TRY(journal::remove_ended(session, audit_, before));
            return {};
        }));
        return removed;
    }

    Result<AuditReport> audit(std::string_view known_head) override {
        const std::scoped_lock lock(mutex_);
        AuditReport report;
        TRY(store_->transaction([&](Session& session) -> Result<void> {
            report = TRY(audit_.verify(session, known_head));
            return {};
        }));
        return report;
    }

    Result<void> copy_to(const io::Path& file) override {
        const std::scoped_lock lock(mutex_);
        return store_->copy_to(file);
    }

  private:
    struct Noted {
        std::string run;
        CallRecord call;
    };
    // A run that is this process's.
    struct Held {
        std::int64_t token = 0;
        Duration until{}; // since boot: the lease lasts at least so long
    };
    using Body = std::function<Result<void>(Session&)>;

    // ---- holding ----

    // One transaction about a run that this process holds: its first statement proves that it still
    // does, renews the lease, and lets no take-over happen until the commit.
    Result<void> write(std::string_view run, const Body& body) {
        const auto held = held_.find(run);
        if (held == held_.end())
            return Error{ .kind = Kind::internal,
                          .why = fmt::format("this process does not hold run {}", printable(run)) };
        const auto begun = since_boot();
        TRY(store_->transaction([&](Session& session) -> Result<void> {
            TRY(renew(session, run, held->second.token));
            return body(session);
        }));
        held->second.until = begun + lease_;
        return {};
    }

    // Makes the noted reads durable as well.
    Result<void> durably(std::string_view run, const Body& body) {
        TRY(write(run, [&](Session& session) -> Result<void> {
            std::vector<Watched> written;
            for (const auto& noted : noted_) {
                TRY(records_.insert_call(session, noted.run, noted.call));
                written.push_back({ "calls", { noted.run, noted.call.position } });
            }
            TRY(audit_.append(session, written));
            return body(session);
        }));
        noted_.clear();
        return {};
    }

    Result<void> renew(Session& session, std::string_view run, std::int64_t token) {
        TRY(session.run(
            fmt::format("update runs set updated = {} where id = ? and token = ?", store_->present()),
            { run, token }));
        if (session.changed_rows() != 1)
            return taken_over(session, run, token);
        return session.run(fmt::format("update leases set expires = {} + {} where run = ?",
                                       store_->present(), lease_.count()),
                           { run });
    }

    Result<void> taken_over(Session& session, std::string_view run, std::int64_t token) {
        const auto other = TRY(records_.find_run(session, run));
        return Error{ .kind = Kind::leased,
                      .why = fmt::format("run {} was taken over by process {} on {} (its token is {}, "
                                         "ours was {}); this process may do nothing more",
                                         other.id, other.holder.pid, printable(other.holder.host),
                                         other.token, token),
                      .fix = fmt::format("look at it: respawn runs show {}", other.id) };
    }

    void renew_all() {
        const std::scoped_lock lock(mutex_);
        // What cannot be renewed now may be at the next beat. Whose lease has ended asks by must_hold.
        for (const auto& [run, held] : held_)
            (void)write(run, [](Session&) { return Result<void>(); });
    }

    // ---- leases ----

    // Also lets one transaction at a time change who holds what.
    Result<std::int64_t> next_token(Session& session) {
        TRY(session.run("update journal set next_token = next_token + 1"));
        const auto next = TRY(session.value("select next_token from journal"));
        return *next.integer() - 1;
    }

    // A run that ended, or failed before it touched anything, has nothing left to protect.
    Result<bool> lets_go(Session& session, std::string_view run, RunState state) {
        if (state == RunState::done || state == RunState::not_needed || state == RunState::aborted)
            return true;
        const auto touched = TRY(session.value(
            "select count(*) from calls where run = ? and policy != 'none' and state != 'failed'",
            { run }));
        return touched == Value(0) && state == RunState::failed;
    }

    static Result<void> must_be_open(const RunRecord& run) {
        if (run.state == RunState::running && !is_interrupted(run))
            return held_by(run);
        if (run.state == RunState::done || run.state == RunState::not_needed ||
            run.state == RunState::aborted)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("run {} is {}", run.id, name_of(run.state)),
                          .fix = "there is nothing to resume: respawn runs shows all" };
        return {};
    }

    Result<void> must_be_free(Session& session, const RunRecord& run) {
        for (const auto& lease : TRY(session.rows("select target, run from leases"))) {
            if (text_of(lease, "run") != run.id &&
                one_contains_other(text_of(lease, "target"), run.target))
                return held_by(TRY(records_.find_run(session, text_of(lease, "run"))));
        }
        return {};
    }

    Result<void> take_lease(Session& session, const RunRecord& run) {
        return session.run(
            fmt::format("insert into leases values (?, ?, ?, {} + {}) on conflict (target) do update "
                        "set run = excluded.run, token = excluded.token, expires = excluded.expires",
                        store_->present(), lease_.count()),
            { run.target, run.id, run.token });
    }

    // ---- markers ----

    Result<void> write_marker(Session& session, std::string_view component,
                              const database::MarkerState& state) {
        return session.run("insert into markers values (?, ?, ?, ?) on conflict (component) do update "
                           "set incarnation = excluded.incarnation, highest = excluded.highest, seen = "
                           "excluded.seen",
                           { component, state.incarnation, state.highest, now().microseconds });
    }

    Result<void> went_back(Session& session, std::string_view component, const Value::Map& known,
                           const database::MarkerState& state) {
        std::string lost;
        for (const auto& row : TRY(session.rows(
                 "select distinct r.id, r.runbook from calls c join runs r on r.id = c.run where "
                 "c.component = ? and c.policy = 'probe' and c.settled > 0 order by r.id desc limit 5",
                 { component })))
            lost += (lost.empty() ? "" : ", ") + text_of(row, "id") + " " + text_of(row, "runbook");
        return Error{
            .kind = Kind::moved,
            .why = fmt::format(
                "the database of {} went back: respawn saw its write {} there, and now the last is {} "
                "(a restore or failover). Newest runs that may be lost with it: {}",
                component, number_of(known, "highest"), state.highest, lost.empty() ? "none" : lost),
            .fix = fmt::format("compare with `respawn runs show`; when the database is as it should "
                               "be: respawn resume --accept-database {}",
                               component)
        };
    }

    std::mutex mutex_;
    std::unique_ptr<Store> store_;
    const Records records_;
    const Audit audit_;
    const Duration lease_;
    std::vector<Noted> noted_;
    std::map<std::string, Held, std::less<>> held_;
    std::optional<Heartbeat> heartbeat_; // last: it ends before what it uses
};

} // namespace

std::unique_ptr<Journal> make_journal(std::unique_ptr<Store> store, const crypto::Key& key,
                                      Duration lease) {
    return std::make_unique<SqlJournal>(std::move(store), key, lease);
}

} // namespace respawn::journal
