// A fleet's journal: tables in a PostgreSQL database.
#include "base/text.h"
#include "database/postgres.h"
#include "journal/store.h"

#include <fmt/format.h>
#include <random>
#include <thread>

namespace respawn::journal {

namespace {

using database::ServerSession;

constexpr Duration shortest_lease = std::chrono::milliseconds(300);
// A process that is stopped within a transaction must not hold up the others.
constexpr database::Patience fleet_patience = { .idle = std::chrono::seconds(5) };
constexpr Duration longest_retrying = std::chrono::seconds(10);
constexpr int most_makers = 20;

// An intent that a crash of the server takes back is none.
constexpr std::string_view be_durable = "select set_config('synchronous_commit', 'on', false) where "
                                        "current_setting('synchronous_commit') in ('off', 'local')";

Result<std::unique_ptr<ServerSession>> connect(const config::ComponentSettings& server) {
    auto session = TRY(database::connect_postgres(server, fleet_patience));
    TRY(session->run(be_durable));
    return session;
}

// Some milliseconds, others each time: two that were in each other's way are not again.
void pause() {
    static thread_local std::minstd_rand random{ std::random_device{}() };
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + random() % 20));
}

class PostgresStore final : public Store {
  public:
    explicit PostgresStore(config::ComponentSettings server) : server_(std::move(server)) {}

    Result<void> prepare() {
        for (int tries = 1;; ++tries) {
            const auto made = make_tables(*TRY(session()));
            // Another host may be making the same tables at this moment.
            const bool again = !made.ok() && session_->is_open() && tries < most_makers &&
                               made.error().kind != Kind::denied;
            if (!again)
                return made;
            pause();
        }
    }

    Result<void> transaction(const std::function<Result<void>(database::Session&)>& body) override {
        const auto give_up = now() + longest_retrying;
        for (;;) {
            TRY(begin());
            auto done = body(*session_);
            if (done.ok())
                done = commit();
            if (done.ok())
                return done;
            const bool again = session_->may_try_again() && now() < give_up;
            take_back();
            if (!again)
                return done;
            pause();
        }
    }

    Result<database::Session*> session() override {
        if (!session_ || !session_->is_open() || !session_->run("select 1").ok())
            session_ = TRY(connect(server_).while_doing("reach the journal"));
        return session_.get();
    }

    std::string present() const override {
        return "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)";
    }
    Sharing sharing() const override { return Sharing::fleet; }

    Result<void> copy_to(const io::Path& file) override {
        TRY(TRY(session())->run("begin isolation level repeatable read read only"));
        auto copied = copy_to_file(*session_, file);
        take_back();
        return copied;
    }

  private:
    static constexpr std::string_view begin_sql = "begin isolation level read committed";

    static Result<void> make_tables(database::Session& session) {
        if (!TRY(session.has_table("journal")) || !TRY(session.has_table(newest_table)) ||
            TRY(session.value("select count(*) from journal")) == Value(0))
            for (const auto& statement : schema_statements("bigint", "bytea", ""))
                TRY(session.run(statement));
        return must_be_of_this_version(session, "this database's");
    }

    // Nothing is under way yet: a connection that was lost since is simply made again.
    Result<void> begin() {
        if (session_ && session_->is_open() && session_->run(begin_sql).ok())
            return {};
        session_ = TRY(connect(server_).while_doing("reach the journal"));
        return session_->run(begin_sql);
    }

    Result<void> commit() {
        auto done = session_->run("commit");
        if (!done.ok() && !session_->is_open())
            done.error().why = "the journal's server went away in a commit, and nobody knows whether "
                               "it was kept: " +
                               done.error().why;
        return done;
    }

    void take_back() {
        if (session_->is_open() && !session_->run("rollback").ok())
            session_.reset();
    }

    config::ComponentSettings server_;
    std::unique_ptr<ServerSession> session_;
};

Result<bool> may(ServerSession& session, std::string_view privilege, std::string_view table) {
    return TRY(session.value("select has_table_privilege(?, ?)", { table, privilege })) == Value(true);
}

} // namespace

Result<std::unique_ptr<Journal>> open_fleet_journal(const config::JournalSettings& settings,
                                                    const crypto::Key& key) {
    if (settings.lease < shortest_lease)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("a lease of {} is too short", human_duration(settings.lease)),
                      .fix = "leave `lease:` of the journal out: it is 30s then" };
    auto store = std::make_unique<PostgresStore>(settings.server);
    TRY(store->prepare().while_doing("open the journal", printable(settings.server.url)));
    return make_journal(std::move(store), key, settings.lease);
}

Result<std::vector<database::Lack>> find_fleet_lacks(const config::JournalSettings& settings) {
    const auto session = TRY(connect(settings.server));
    std::vector<database::Lack> lacks;
    if (!TRY(session->has_table("journal")) || !TRY(session->has_table(newest_table))) {
        const auto makes =
            TRY(session->value("select has_schema_privilege(current_schema(), 'CREATE')"));
        if (makes != Value(true))
            lacks.push_back({ "the login may not make the journal's tables",
                              "GRANT CREATE ON SCHEMA public TO the login: docs/journal.md" });
        return lacks;
    }
    for (const auto* privilege : { "SELECT", "INSERT", "UPDATE", "DELETE" })
        for (const auto& table : table_names())
            if (!TRY(may(*session, privilege, table)))
                lacks.push_back(
                    { fmt::format("the login may not {} {}", privilege, table),
                      fmt::format("GRANT {} ON {} TO the login: docs/journal.md", privilege, table) });
    return lacks;
}

} // namespace respawn::journal
