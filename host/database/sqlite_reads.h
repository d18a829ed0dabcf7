// Text SQL on SQLite that can only read.
#pragma once

#include "database/database.h"
#include "database/sqlite_connection.h"

namespace respawn::database {

// Holds a connection to reading for as long as it lives: an authorizer lets pass SELECT, reads of
// columns and functions, nothing else, and long statements are stopped at the deadline.
class ReadGuard {
  public:
    explicit ReadGuard(SqliteConnection& connection, Duration longest = std::chrono::seconds(30));
    ReadGuard(const ReadGuard&) = delete;
    ReadGuard& operator=(const ReadGuard&) = delete;
    ~ReadGuard();

  private:
    SqliteConnection& connection_;
    Moment stop_at_;
};

// What a reading statement would read and give, looked at without running it.
struct ReadColumn {
    std::string database, table, column; // "main", "players", "name"
};
struct Reading {
    std::vector<std::string> columns; // that it gives
    std::vector<ReadColumn> reads;
};
Result<Reading> look_at(SqliteConnection& connection, std::string_view sql);

// One reading statement under a ReadGuard; each row goes to the sink.
Result<void> guarded_query(SqliteConnection& connection, std::string_view sql, const RowSink& sink,
                           Duration longest);

// One reading statement under a ReadGuard, bounded by most_result_bytes.
Result<Rows> guarded_query(SqliteConnection& connection, std::string_view sql,
                           const std::vector<Value>& parameters);

} // namespace respawn::database
