// The local journal: one SQLite file in the state folder.
#include "database/sqlite_connection.h"
#include "journal/store.h"

#include <fmt/format.h>

namespace respawn::journal {

namespace {

using database::Session;
using database::SqliteConnection;

// A lease on another host (the folder is shared, or the machine was renamed) is trusted this long after
// its run was last heard of.
constexpr Duration local_lease = std::chrono::seconds(30);

Result<void> make_tables(SqliteConnection& connection) {
    for (const auto& statement : schema_statements("integer", "blob", " without rowid"))
        TRY(connection.run(statement));
    return {};
}

class SqliteStore final : public Store {
  public:
    explicit SqliteStore(SqliteConnection connection) : connection_(std::move(connection)) {}

    Result<void> prepare() {
        // One at a time: SQLite does not wait for another process that turns WAL on at this moment.
        const auto alone = TRY(io::FileLock::lock(connection_.path().string() + ".lock"));
        TRY(connection_.run_script(
            "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;"));
        const auto there = TRY(connection_.value("select count(*) from sqlite_schema"));
        if (there == Value(0) ||
            (TRY(connection_.has_table("journal")) && !TRY(connection_.has_table(newest_table))))
            TRY(connection_.transaction([&] { return make_tables(connection_); }));
        return must_be_of_this_version(connection_, connection_.path().string());
    }

    Result<void> transaction(const std::function<Result<void>(Session&)>& body) override {
        return connection_.transaction([&] { return body(connection_); });
    }
    Result<Session*> session() override { return &connection_; }
    std::string present() const override { return std::to_string(now().microseconds); }
    Sharing sharing() const override { return Sharing::machine; }
    Result<void> copy_to(const io::Path& file) override {
        return connection_.run("vacuum into ?", { file.string() });
    }

  private:
    SqliteConnection connection_;
};

} // namespace

Result<void> copy_to_file(Session& from, const io::Path& file) {
    if (io::is_there(file))
        return Error{ .kind = Kind::conflict, .why = file.string() + " is there already" };
    auto copy = TRY(SqliteConnection::open(file, SqliteConnection::Access::create));
    return copy.transaction([&]() -> Result<void> {
        TRY(make_tables(copy));
        return copy_tables(from, copy);
    });
}

Result<std::unique_ptr<Journal>> open_local_journal(const io::Path& file, const crypto::Key& key) {
    TRY(io::make_folder(file.parent_path()));
    auto store = std::make_unique<SqliteStore>(
        TRY(SqliteConnection::open(file, SqliteConnection::Access::create)));
    TRY(store->prepare().while_doing("open the journal", file.string()));
    return make_journal(std::move(store), key, local_lease);
}

} // namespace respawn::journal
