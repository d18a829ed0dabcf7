// The local journal: one SQLite file in the state folder. docs/journal.md describes the tables.
#include "base/bytes.h"
#include "base/text.h"
#include "database/sqlite_connection.h"
#include "journal/journal.h"
#include "journal/rows.h"

#include <fmt/format.h>
#include <mutex>

namespace respawn::journal {

namespace {

using database::SqliteConnection;

constexpr std::int64_t schema_version = 1;

const std::string schema = R"(
create table if not exists journal (version integer not null, next_token integer not null);
create table if not exists runs (
    id text primary key, runbook text not null, version text not null, mode text not null, target text not null,
    operator text not null, reason text not null, plan text not null, parameters blob, description blob,
    state text not null, phase text not null, error blob, token integer not null,
    host text not null, boot text not null, pid integer not null, process_start integer not null,
    started integer not null, updated integer not null, finished integer not null) without rowid;
create table if not exists calls (
    run text not null references runs, position integer not null, phase text not null, name text not null,
    component text not null, place text not null, argument_hash text not null, arguments blob,
    policy text not null, state text not null, token integer not null, result blob,
    begun integer not null, settled integer not null, primary key (run, position)) without rowid;
create table if not exists sources (hash text primary key, text blob not null) without rowid;
create table if not exists run_sources (
    run text not null references runs, module text not null, hash text not null references sources,
    primary key (run, module)) without rowid;
create table if not exists leases (
    target text primary key, run text not null references runs, token integer not null, expires integer not null) without rowid;
create table if not exists plans (
    hash text primary key, runbook text not null, version text not null, operator text not null, parameters blob,
    sources blob, effects blob, made integer not null, used_by text not null) without rowid;
create table if not exists approvals (
    plan text not null references plans, requester text not null, approver text not null, reason text not null,
    made integer not null, expires integer not null, used_by text not null, primary key (plan, approver)) without rowid;
create table if not exists markers (
    component text primary key, incarnation text not null, highest integer not null, seen integer not null) without rowid;
)";

// Tokens begin at the present second and rise by one a run: when the state folder is lost, those of a
// new journal are still above the ones that the game's databases remember.
std::int64_t first_token() { return now().microseconds / 1'000'000; }

// A lease on another host is trusted this long after its run was last heard of.
constexpr Duration lease_length = std::chrono::seconds(30);

// A database in which respawn had not written yet has no incarnation.
bool differs(const std::string& known, const std::string& incarnation) {
    return !known.empty() && known != incarnation;
}

bool one_contains_other(std::string_view a, std::string_view b) {
    return a.starts_with(b) || b.starts_with(a);
}

Error held_by(const RunRecord& run) {
    const bool alive = run.state == RunState::running && liveness(run.holder) == Liveness::alive;
    Error error{ .kind = Kind::leased,
                 .why = fmt::format("run {} of {} works on {} ({})", run.id, run.runbook, run.target,
                                    alive ? "running now" : "not finished") };
    error.fix =
        alive ? fmt::format("wait for it: respawn runs show {}", run.id)
              : fmt::format(
                    "finish it first: respawn resume {0}, or give it up: respawn resume {0} --abort",
                    run.id);
    return error;
}

class LocalJournal final : public Journal {
  public:
    LocalJournal(SqliteConnection connection, crypto::Key key)
        : connection_(std::move(connection)), rows_(key) {}

    Result<void> prepare() {
        // One at a time: SQLite does not wait for another process that turns WAL on at this moment.
        const auto alone = TRY(io::FileLock::lock(connection_.path().string() + ".lock"));
        TRY(connection_.run_script(
            "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;"));
        const auto tables = TRY(connection_.value("select count(*) from sqlite_schema"));
        if (*tables.integer() == 0)
            TRY(connection_.transaction([&]() -> Result<void> {
                TRY(connection_.run_script(schema));
                return connection_.run(
                    "insert into journal select ?, ? where not exists (select 1 from journal)",
                    { schema_version, first_token() });
            }));
        const auto version = TRY(connection_.value("select version from journal"));
        if (version != Value(schema_version))
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("{} is a journal of version {}, this program writes {}",
                                             connection_.path().string(), to_text(version),
                                             schema_version),
                          .fix = "use the respawn that wrote it" };
        return {};
    }

    Result<void> start_run(RunRecord& run, const Sources& sources) override {
        const std::scoped_lock lock(mutex_);
        run.holder = this_process();
        run.started = run.updated = now();
        return connection_.transaction([&]() -> Result<void> {
            TRY(must_be_free(run));
            run.token = TRY(next_token());
            TRY(insert_run(run));
            TRY(insert_sources(run.id, sources));
            TRY(use_plan(run));
            return take_lease(run);
        });
    }

    Result<RunRecord> take_over(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        RunRecord run;
        TRY(connection_.transaction([&]() -> Result<void> {
            run = TRY(find_run(name));
            if (run.state == RunState::running && still_held(run))
                return held_by(run);
            if (run.state == RunState::done || run.state == RunState::not_needed ||
                run.state == RunState::aborted)
                return Error{ .kind = Kind::usage,
                              .why = fmt::format("run {} is {}", run.id, name_of(run.state)),
                              .fix = "there is nothing to resume: respawn runs shows all" };
            TRY(must_be_free(run));
            run.token = TRY(next_token());
            run.holder = this_process();
            run.state = RunState::running;
            run.error = nullptr;
            run.updated = now();
            TRY(connection_.run("update runs set token = ?, host = ?, boot = ?, pid = ?, process_start "
                                "= ?, state = 'running', error = null, updated = ? where id = ?",
                                { run.token, run.holder.host, run.holder.boot, run.holder.pid,
                                  run.holder.process_start, run.updated.microseconds, run.id }));
            return take_lease(run);
        }));
        return run;
    }

    Result<void> note(std::string_view run, const CallRecord& call) override {
        const std::scoped_lock lock(mutex_);
        noted_.push_back({ std::string(run), call });
        return {};
    }

    Result<void> begin(std::string_view run, const CallRecord& call) override {
        const std::scoped_lock lock(mutex_);
        return durably([&]() -> Result<void> {
            TRY(must_be_open(run, call.position));
            TRY(insert_call(run, call));
            return touch(run);
        });
    }

    Result<void> settle(std::string_view run, std::int64_t position, CallState state,
                        const Value& result) override {
        const std::scoped_lock lock(mutex_);
        return durably([&]() -> Result<void> {
            TRY(connection_.run(
                "update calls set state = ?, result = ?, settled = ? where run = ? and position = ?",
                { name_of(state), rows_.sealed(result, run, "result"), now().microseconds, run,
                  position }));
            if (connection_.changed_rows() != 1)
                return Error{ .kind = Kind::internal,
                              .why = fmt::format("run {} has no step {} to settle", run, position) };
            return touch(run);
        });
    }

    Result<void> set_phase(std::string_view run, std::string_view phase) override {
        const std::scoped_lock lock(mutex_);
        return durably([&]() -> Result<void> {
            return connection_.run("update runs set phase = ?, updated = ? where id = ?",
                                   { phase, now().microseconds, run });
        });
    }

    Result<void> forget_reads(std::string_view run, std::int64_t from_position) override {
        const std::scoped_lock lock(mutex_);
        return durably([&]() -> Result<void> {
            const auto effects = TRY(connection_.value(
                "select count(*) from calls where run = ? and position >= ? and policy != 'none'",
                { run, from_position }));
            if (effects != Value(0))
                return Error{ .kind = Kind::internal, .why = "an effect cannot be forgotten" };
            return connection_.run("delete from calls where run = ? and position >= ?",
                                   { run, from_position });
        });
    }

    Result<void> set_state(std::string_view run, RunState state, const Value& error) override {
        const std::scoped_lock lock(mutex_);
        return durably([&]() -> Result<void> {
            const auto moment = now().microseconds;
            TRY(connection_.run(
                "update runs set state = ?, error = ?, updated = ?, finished = ? where id = ?",
                { name_of(state), rows_.sealed(error, run, "error"), moment,
                  state == RunState::running ? 0 : moment, run }));
            if (state == RunState::running || !TRY(lets_go(run, state)))
                return {};
            return connection_.run("delete from leases where run = ?", { run });
        });
    }

    Result<std::vector<RunRecord>> runs(std::size_t most) override {
        const std::scoped_lock lock(mutex_);
        std::vector<RunRecord> all;
        for (const auto& row : TRY(connection_.rows("select * from runs order by id desc limit ?",
                                                    { static_cast<std::int64_t>(most) })))
            all.push_back(TRY(rows_.run(row)));
        return all;
    }

    Result<RunRecord> run(std::string_view name) override {
        const std::scoped_lock lock(mutex_);
        return find_run(name);
    }

    Result<std::vector<CallRecord>> calls(std::string_view run) override {
        const std::scoped_lock lock(mutex_);
        std::vector<CallRecord> all;
        for (const auto& row :
             TRY(connection_.rows("select * from calls where run = ? order by position", { run })))
            all.push_back(TRY(rows_.call(row)));
        return all;
    }

    Result<Sources> sources(std::string_view run) override {
        const std::scoped_lock lock(mutex_);
        Sources sources;
        for (const auto& row : TRY(connection_.rows(
                 "select module, text from run_sources join sources using (hash) where run = ?",
                 { run })))
            sources.emplace(text_of(row, "module"),
                            row.at("text").blob() ? row.at("text").blob()->bytes : "");
        return sources;
    }

    Result<void> save_plan(const PlanRecord& plan) override {
        const std::scoped_lock lock(mutex_);
        return connection_.run(
            "insert into plans values (?, ?, ?, ?, ?, ?, ?, ?, '') on conflict (hash) do update set "
            "made = excluded.made, operator = excluded.operator, used_by = ''",
            { plan.hash, plan.runbook, plan.version, plan.operator_name,
              rows_.sealed(plan.parameters, plan.hash, "parameters"),
              rows_.sealed(plan.sources, plan.hash, "sources"),
              rows_.sealed(plan.effects, plan.hash, "effects"), plan.made.microseconds });
    }

    Result<PlanRecord> plan(std::string_view hash) override {
        const std::scoped_lock lock(mutex_);
        if (hash.size() < 6 || hash.find_first_not_of("0123456789abcdef") != std::string_view::npos)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("'{}' is no plan: it has at least 6 hex digits",
                                             printable(hash)),
                          .fix = "make one: respawn run RUNBOOK --dry-run" };
        const auto rows =
            TRY(connection_.rows("select * from plans where substr(hash, 1, ?) = ? limit 2",
                                 { static_cast<std::int64_t>(hash.size()), hash }));
        if (rows.size() != 1)
            return Error{ .kind = rows.empty() ? Kind::missing : Kind::conflict,
                          .why = fmt::format("{} plan begins with {}",
                                             rows.empty() ? "no" : "more than one", hash),
                          .fix = "make one: respawn run RUNBOOK --dry-run" };
        return rows_.plan(rows[0]);
    }

    Result<void> note_marker(std::string_view component, const database::MarkerState& state) override {
        const std::scoped_lock lock(mutex_);
        const auto known =
            TRY(connection_.rows("select * from markers where component = ?", { component }));
        if (!known.empty() && (state.highest < number_of(known[0], "highest") ||
                               differs(text_of(known[0], "incarnation"), state.incarnation)))
            return went_back(component, known[0], state);
        return write_marker(component, state);
    }

    Result<void> accept_marker(std::string_view component,
                               const database::MarkerState& state) override {
        const std::scoped_lock lock(mutex_);
        return write_marker(component, state);
    }

    Result<void> copy_to(const io::Path& file) override {
        const std::scoped_lock lock(mutex_);
        return connection_.run("vacuum into ?", { file.string() });
    }

  private:
    struct Noted {
        std::string run;
        CallRecord call;
    };

    // One transaction that first makes the noted reads durable.
    Result<void> durably(const std::function<Result<void>()>& body) {
        TRY(connection_.transaction([&]() -> Result<void> {
            for (const auto& noted : noted_)
                TRY(insert_call(noted.run, noted.call));
            return body();
        }));
        noted_.clear();
        return {};
    }

    Result<std::int64_t> next_token() {
        const auto token = TRY(connection_.value("select next_token from journal"));
        TRY(connection_.run("update journal set next_token = next_token + 1"));
        return *token.integer();
    }

    // A run that ended, or failed before it touched anything, has nothing left to protect.
    Result<bool> lets_go(std::string_view run, RunState state) {
        if (state == RunState::done || state == RunState::not_needed || state == RunState::aborted)
            return true;
        const auto touched = TRY(connection_.value(
            "select count(*) from calls where run = ? and policy != 'none' and state != 'failed'",
            { run }));
        return touched == Value(0) && state == RunState::failed;
    }

    static bool still_held(const RunRecord& run) {
        const auto life = liveness(run.holder);
        return life == Liveness::alive ||
               (life == Liveness::elsewhere && now() - run.updated < lease_length);
    }

    Result<void> must_be_free(const RunRecord& run) {
        for (const auto& lease : TRY(connection_.rows("select target, run from leases"))) {
            if (text_of(lease, "run") != run.id &&
                one_contains_other(text_of(lease, "target"), run.target))
                return held_by(TRY(find_run(text_of(lease, "run"))));
        }
        return {};
    }

    Result<void> take_lease(const RunRecord& run) {
        return connection_.run("insert or replace into leases values (?, ?, ?, ?)",
                               { run.target, run.id, run.token, (now() + lease_length).microseconds });
    }

    Result<void> touch(std::string_view run) {
        const auto moment = now();
        TRY(connection_.run("update runs set updated = ? where id = ?", { moment.microseconds, run }));
        return connection_.run("update leases set expires = ? where run = ?",
                               { (moment + lease_length).microseconds, run });
    }

    Result<void> insert_run(const RunRecord& run) {
        return connection_.run(
            "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            rows_.values(run));
    }

    Result<void> insert_sources(std::string_view run, const Sources& sources) {
        for (const auto& [module, text] : sources) {
            const auto hash = to_hex(crypto::sha256(text));
            TRY(connection_.run("insert or ignore into sources values (?, ?)", { hash, Blob{ text } }));
            TRY(connection_.run("insert into run_sources values (?, ?, ?)", { run, module, hash }));
        }
        return {};
    }

    Result<void> use_plan(const RunRecord& run) {
        if (run.plan.empty())
            return {};
        TRY(connection_.run("update plans set used_by = ? where hash = ? and used_by = ''",
                            { run.id, run.plan }));
        if (connection_.changed_rows() == 1)
            return {};
        return Error{ .kind = Kind::moved,
                      .why = fmt::format("plan {} was used before", run.plan.substr(0, 12)),
                      .fix = "make a new one: respawn run RUNBOOK --dry-run" };
    }

    Result<void> insert_call(std::string_view run, const CallRecord& call) {
        return connection_.run(
            "insert or replace into calls values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows_.values(run, call));
    }

    // What happened, or may have, is not begun a second time.
    Result<void> must_be_open(std::string_view run, std::int64_t position) {
        const auto state = TRY(connection_.value(
            "select state from calls where run = ? and position = ? and policy != 'none'",
            { run, position }));
        if (state.is_null() || state == Value(name_of(CallState::intent)) ||
            state == Value(name_of(CallState::failed)))
            return {};
        return Error{ .kind = Kind::internal,
                      .why = fmt::format("step {} of run {} is {} and would be begun again", position,
                                         run, to_text(state)) };
    }

    Result<RunRecord> find_run(std::string_view name) {
        const auto rows =
            TRY(connection_.rows("select * from runs where substr(id, 1, ?) = upper(?) limit 2",
                                 { static_cast<std::int64_t>(name.size()), name }));
        if (rows.size() == 1 && !name.empty())
            return rows_.run(rows[0]);
        return Error{ .kind = rows.empty() ? Kind::missing : Kind::conflict,
                      .why = fmt::format("{} run begins with '{}'",
                                         rows.empty() ? "no" : "more than one", printable(name)),
                      .fix = "respawn runs lists them" };
    }

    Result<void> write_marker(std::string_view component, const database::MarkerState& state) {
        return connection_.run("insert or replace into markers values (?, ?, ?, ?)",
                               { component, state.incarnation, state.highest, now().microseconds });
    }

    Result<void> went_back(std::string_view component, const Value::Map& known,
                           const database::MarkerState& state) {
        std::string lost;
        for (const auto& row : TRY(connection_.rows(
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
    SqliteConnection connection_;
    const Rows rows_;
    std::vector<Noted> noted_;
};

} // namespace

Result<std::unique_ptr<Journal>> open_local_journal(const io::Path& file, const crypto::Key& key) {
    TRY(io::make_folder(file.parent_path()));
    auto journal = std::make_unique<LocalJournal>(
        TRY(SqliteConnection::open(file, SqliteConnection::Access::create)), key);
    TRY(journal->prepare().while_doing("open the journal", file.string()));
    return std::unique_ptr<Journal>(std::move(journal));
}

} // namespace respawn::journal
