// An SQLite database whose bytes lie elsewhere, in a backup: they are fetched when a statement needs
// them. Never written; what a statement sorts or gathers stays in memory.
#pragma once

#include "database/database.h"
#include "database/sqlite_connection.h"

namespace respawn::database {

struct Bytes {
    std::string name; // for messages
    std::uint64_t size = 0;
    // A stretch, whole. Called from the thread that runs the statement.
    std::function<Result<std::string>(std::uint64_t offset, std::size_t size)> read;
};

class BytesDatabase {
  public:
    // Kind::corrupt when the bytes are no database.
    static Result<BytesDatabase> open(Bytes bytes);
    // Several in one place, for SQL that reads of them all: each by its name, as in a.players.
    // Kind::unsupported when they do not keep their text in the same encoding.
    static Result<BytesDatabase> open_together(std::vector<Bytes> all);
    // One statement that only reads, under the rules of text SQL; each row goes to the sink. When bytes
    // cannot be fetched, the error is that of the fetching.
    Result<void> query(std::string_view sql, const RowSink& sink);
    // A statement of this program's own, with its values; all its rows.
    Result<Rows> rows(std::string_view sql, const std::vector<Value>& parameters);

  private:
    struct Shared;
    Result<void> attach(const std::string& name);
    BytesDatabase(std::shared_ptr<Shared> shared, SqliteConnection connection)
        : shared_(std::move(shared)), connection_(std::move(connection)) {}
    // With the reason of a failed fetch instead of SQLite's "disk I/O error".
    Result<void> named(Result<void> done);
    std::shared_ptr<Shared> shared_;
    SqliteConnection connection_;
};

} // namespace respawn::database
