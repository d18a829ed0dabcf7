// One SQLite connection and its statements, for the sqlite driver and the local journal. Not
// thread-safe.
#pragma once

#include "base/result.h"
#include "base/value.h"
#include "io/file.h"

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

struct sqlite3;

namespace respawn::database {

// The columns of a row, in the order of the statement.
using RowSink =
    std::function<Result<void>(const std::vector<std::string>& columns, std::vector<Value> row)>;

class SqliteConnection {
  public:
    enum class Access {
        read_only,  // must exist; the system refuses every write
        read_write, // must exist
        create,     // made when missing
    };
    // Kind::missing, Kind::denied, Kind::corrupt (no database), Kind::io.
    static Result<SqliteConnection> open(const io::Path& path, Access access);
    // Read only, in a file system that was registered with SQLite under a name of its own.
    static Result<SqliteConnection> open_in(const char* file_system, const io::Path& path);
    SqliteConnection(SqliteConnection&&) noexcept;
    SqliteConnection& operator=(SqliteConnection&&) noexcept;
    ~SqliteConnection();

    // One statement with its parameters; rows are thrown away.
    Result<void> run(std::string_view sql, const std::vector<Value>& parameters = {});
    // Several statements without parameters.
    Result<void> run_script(const std::string& sql);
    // One statement; each row goes to the sink, which may end it with an Error.
    Result<void> query(std::string_view sql, const std::vector<Value>& parameters, const RowSink& sink);
    // All rows, as maps from column to value.
    Result<std::vector<Value::Map>> rows(std::string_view sql,
                                         const std::vector<Value>& parameters = {});
    // The first column of the first row, or null.
    Result<Value> value(std::string_view sql, const std::vector<Value>& parameters = {});
    std::int64_t changed_rows() const; // by the last statement, triggers not counted

    // begin immediate, body, commit; rolled back when body or commit fails.
    Result<void> transaction(const std::function<Result<void>()>& body);

    sqlite3* handle() const { return handle_; }
    const io::Path& path() const { return path_; }
    // The Error for the last failed call.
    Error last_error() const;

  private:
    static Result<SqliteConnection> open(const io::Path& path, int flags, const char* file_system);
    SqliteConnection(sqlite3* handle, io::Path path) : handle_(handle), path_(std::move(path)) {}
    sqlite3* handle_ = nullptr;
    io::Path path_;
};

// A name between double quotes, as SQL wants it.
std::string quoted_name(std::string_view name);

} // namespace respawn::database
