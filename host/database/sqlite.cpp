// The sqlite driver.
#include "database/sqlite.h"

#include "base/text.h"
#include "database/changes.h"
#include "database/markers.h"
#include "database/sqlite_connection.h"
#include "database/sqlite_dump.h"
#include "database/sqlite_overlay.h"
#include "database/sqlite_reads.h"
#include "database/sqlite_writes.h"

#include <fmt/format.h>
#include <sqlite3.h>

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

// The game waits no longer than this for a reader that a dry run holds.
constexpr Duration longest_hold = std::chrono::seconds(5);

class SqliteTrial : public Trial {
  public:
    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        return guarded_query(*TRY(ready()), sql, parameters);
    }

    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        return database::rows_with(*TRY(ready()), table, values, most);
    }

    Result<Written> write(const Write& write) override { return apply(*TRY(ready()), write); }

  protected:
    virtual Result<SqliteConnection*> ready() = 0;

    static Result<Written> apply(SqliteConnection& connection, const Write& write) {
        Written written;
        TRY(connection.transaction([&]() -> Result<void> {
            TRY(check_business_keys(connection, write));
            written = TRY(apply_sqlite_changes(connection, write, write.moment.value_or(now())));
            return {};
        }));
        return written;
    }
};

// Beside the live database. After `longest_hold` it begins again with what is live then.
class LiveTrial final : public SqliteTrial {
  public:
    LiveTrial(io::Path live, io::Path scratch) : live_(std::move(live)), scratch_(std::move(scratch)) {}

    Result<Written> write(const Write& write) override {
        auto written = TRY(SqliteTrial::write(write));
        writes_.push_back(write);
        return written;
    }

    std::string place() const override { return "on pages of its own beside the live ones"; }

  private:
    Result<SqliteConnection*> ready() override {
        if (!overlay_ || now() - begun_ > longest_hold) {
            overlay_.reset();
            overlay_ = TRY(SqliteOverlay::open(live_, scratch_));
            begun_ = now();
            for (const auto& write : writes_)
                TRY(apply(overlay_->connection(), write));
        }
        return &overlay_->connection();
    }

    io::Path live_, scratch_;
    std::optional<SqliteOverlay> overlay_;
    Moment begun_;
    std::vector<Write> writes_;
};

class CopyTrial final : public SqliteTrial {
  public:
    CopyTrial(SqliteConnection connection, const io::Path& copy)
        : connection_(std::move(connection)), copy_(copy) {}

    std::string place() const override {
        std::error_code gone;
        return "in a private copy of " + human_size(std::filesystem::file_size(copy_, gone));
    }

  private:
    Result<SqliteConnection*> ready() override { return &connection_; }

    SqliteConnection connection_;
    io::Path copy_;
};

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
            const auto moment = write.moment.value_or(now());
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
        TRY(open(SqliteConnection::Access::read_only)); // rolls back what a killed writer left
        return std::unique_ptr<Trial>(std::make_unique<LiveTrial>(path_, scratch));
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
};

} // namespace

Result<std::unique_ptr<Database>> open_sqlite(const config::ComponentSettings& settings) {
    return std::unique_ptr<Database>(std::make_unique<Sqlite>(settings.path));
}

Result<std::unique_ptr<Trial>> open_sqlite_copy(const io::Path& copy) {
    auto connection = TRY(SqliteConnection::open(copy, SqliteConnection::Access::read_write));
    // The copy lives as long as the dry run: durability would only cost time.
    TRY(connection.run_script("pragma synchronous = off; pragma foreign_keys = on;"));
    return std::unique_ptr<Trial>(std::make_unique<CopyTrial>(std::move(connection), copy));
}

} // namespace respawn::database
