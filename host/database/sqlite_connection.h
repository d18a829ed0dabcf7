// One SQLite connection and its statements, for the sqlite driver and the local journal. Not
// thread-safe.
#pragma once

#include "database/session.h"
#include "database/sqlite_file_system.h"
#include "io/file.h"

#include <memory>

struct sqlite3;

namespace respawn::database {

class SqliteConnection final : public Session {
  public:
    enum class Access {
        read_only,  // must exist; the system refuses every write
        read_write, // must exist
        create,     // made when missing
    };
    // Kind::missing, Kind::denied, Kind::corrupt (no database), Kind::io.
    static Result<SqliteConnection> open(const io::Path& path, Access access);
    // Of a file that outlives it. The name is for messages.
    static Result<SqliteConnection> open_virtual(VirtualFile& file, const io::Path& name);
    // An empty database that lives in memory as long as this; what it sorts does, too. Others can be
    // attached to it by a URI. The name is for messages.
    static Result<SqliteConnection> open_in_memory(const io::Path& name);
    SqliteConnection(SqliteConnection&&) noexcept;
    SqliteConnection& operator=(SqliteConnection&&) noexcept;
    ~SqliteConnection() override;

    // Several statements without parameters.
    Result<void> run_script(const std::string& sql);
    Result<void> query(std::string_view sql, const std::vector<Value>& parameters,
                       const RowSink& sink) override;
    std::int64_t changed_rows() const override;
    std::string quoted(std::string_view name) const override;
    Result<bool> has_table(std::string_view name) override;

    // begin immediate, body, commit; rolled back when body or commit fails.
    Result<void> transaction(const std::function<Result<void>()>& body);

    sqlite3* handle() const { return handle_; }
    const io::Path& path() const { return path_; }
    // The Error for the last failed call.
    Error last_error() const;
    // The names of what a statement gives, without running it.
    Result<std::vector<std::string>> columns_of(std::string_view sql);

  private:
    static Result<SqliteConnection> open(const io::Path& path, int flags, const char* file_system);
    SqliteConnection(sqlite3* handle, io::Path path) : handle_(handle), path_(std::move(path)) {}
    sqlite3* handle_ = nullptr;
    io::Path path_;
};

// A name between double quotes, as SQL wants it.
std::string quoted_name(std::string_view name);

} // namespace respawn::database
