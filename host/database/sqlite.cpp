// The sqlite driver.
#include "database/sqlite.h"

#include "database/changes.h"
#include "database/markers.h"
#include "database/sqlite_connection.h"
#include "database/sqlite_dump.h"
#include "database/sqlite_reads.h"
#include "database/sqlite_writes.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace respawn::database {

namespace {

const MarkerTables marker_tables = {
    { "create table if not exists respawn_incarnation (id text not null)",
      "create table if not exists respawn_markers (number integer primary key autoincrement, "
      "run text not null, step integer not null, target text not null, token integer not null, "
      "why text not null, at text not null, result blob, unique (run, step))",
      "create table if not exists respawn_business_keys (business_key text primary key, "
      "marker integer not null) without rowid",
      "create table if not exists respawn_fence (target text primary key, token integer not null) "
      "without rowid" },
    "insert into respawn_incarnation values (?)"
};

// Copies a whole database, as of one moment, to a new file.
Result<void> copy_database(SqliteConnection& from, const io::Path& to) {
    auto target = TRY(SqliteConnection::open(to, SqliteConnection::Access::create));
    auto* backup = sqlite3_backup_init(target.handle(), "main", from.handle(), "main");
    if (!backup)
        return target.last_error();
    const int stepped = sqlite3_backup_step(backup, -1);
    if (const int code = sqlite3_backup_finish(backup); stepped != SQLITE_DONE || code != SQLITE_OK)
        return target.last_error();
    return {};
}

class SqliteTrial final : public Trial {
  public:
    SqliteTrial(SqliteConnection connection, io::Path copy, bool remove_after)
        : connection_(std::move(connection)), copy_(std::move(copy)), remove_after_(remove_after) {}
    ~SqliteTrial() override {
        connection_.reset();
        if (remove_after_)
            ::unlink(copy_.c_str());
    }

    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        return guarded_query(*connection_, sql, parameters);
    }

    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        return database::rows_with(*connection_, table, values, most);
    }

    Result<Written> write(const Write& write) override {
        Written written;
        TRY(connection_->transaction([&]() -> Result<void> {
            TRY(check_business_keys(*connection_, write));
            written = TRY(apply_sqlite_changes(*connection_, write, now()));
            return {};
        }));
        return written;
    }

    std::uint64_t copied_bytes() const override {
        std::error_code gone;
        const auto size = std::filesystem::file_size(copy_, gone);
        return gone ? 0 : size;
    }

  private:
    std::optional<SqliteConnection> connection_;
    io::Path copy_;
    bool remove_after_;
};

Result<std::unique_ptr<Trial>> open_trial(const io::Path& copy, bool remove_after) {
    auto connection = TRY(SqliteConnection::open(copy, SqliteConnection::Access::read_write));
    // The copy lives as long as the dry run: durability would only cost time.
    TRY(connection.run_script("pragma synchronous = off; pragma foreign_keys = on;"));
    return std::unique_ptr<Trial>(
        std::make_unique<SqliteTrial>(std::move(connection), copy, remove_after));
}

class Sqlite final : public Database {
  public:
    explicit Sqlite(io::Path path) : path_(std::move(path)) {}

    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        auto connection = TRY(open(SqliteConnection::Access::read_only));
        return guarded_query(connection, sql, parameters);
    }

    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        auto connection = TRY(open(SqliteConnection::Access::read_only));
        return database::rows_with(connection, table, values, most);
    }

    Result<Written> write(const Write& write, const Marker& marker, const Approval& approve) override {
        auto connection = TRY(open(SqliteConnection::Access::read_write));
        TRY(connection.run_script("pragma foreign_keys = on; pragma synchronous = full;"));
        Written written;
        TRY(connection.transaction([&]() -> Result<void> {
            TRY(make_marker_tables(connection, marker_tables));
            TRY(check_token(connection, marker));
            const auto moment = now();
            const auto number = TRY(add_marker(connection, marker, write.why, moment));
            TRY(take_business_keys(connection, write, number));
            written = TRY(apply_sqlite_changes(connection, write, moment));
            written.marker = number;
            if (approve)
                TRY(approve(written));
            return fill_marker(connection, number, written);
        }));
        return written;
    }

    Result<std::optional<Written>> find_written(std::string_view run, std::int64_t step) override {
        auto connection = TRY(open(SqliteConnection::Access::read_only));
        return find_marker(connection, run, step);
    }

    Result<MarkerState> marker_state() override {
        auto connection = TRY(open(SqliteConnection::Access::read_only));
        return read_marker_state(connection);
    }

    Result<std::unique_ptr<Trial>> begin_trial(const io::Path& scratch) override {
        auto connection = TRY(open(SqliteConnection::Access::read_only));
        const auto copy = scratch / fmt::format("trial-{}-{}.db", ::getpid(), copies_++);
        TRY(copy_database(connection, copy));
        return open_trial(copy, true);
    }

    Result<std::unique_ptr<io::Source>> dump(const std::vector<std::string>& tables) override {
        return dump_database(TRY(open(SqliteConnection::Access::read_only)), tables);
    }

  private:
    // A connection for each use: a restore may put another file under the name between two of them.
    Result<SqliteConnection> open(SqliteConnection::Access access) {
        auto connection = TRY(SqliteConnection::open(path_, access));
        if (access != SqliteConnection::Access::read_only)
            return connection;
        const auto looked = connection.value(look);
        if (looked.ok() || looked.error().kind != Kind::denied)
            return connection;
        // A writer was killed in its commit. Only who may write can roll it back, as SQLite does with
        // the first look.
        auto writer = TRY(SqliteConnection::open(path_, SqliteConnection::Access::read_write));
        TRY(writer.value(look));
        return connection;
    }

    static constexpr std::string_view look = "select count(*) from sqlite_schema";

    io::Path path_;
    int copies_ = 0;
};

} // namespace

Result<std::unique_ptr<Database>> open_sqlite(const config::ComponentSettings& settings) {
    return std::unique_ptr<Database>(std::make_unique<Sqlite>(settings.path));
}

Result<std::unique_ptr<Trial>> open_sqlite_copy(const io::Path& copy) {
    return open_trial(copy, false);
}

} // namespace respawn::database
