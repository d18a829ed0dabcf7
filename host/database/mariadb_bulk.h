// Many rows with one call to the server: MariaDB's bulk execution of a prepared statement. Values go as
// bytes, which the server does not have to look through, as it does with LOAD DATA and with SQL text.
// https://mariadb.com/kb/en/com_stmt_bulk_execute/
#pragma once

#include "database/mariadb_tables.h"

struct st_mysql_stmt;
struct st_mysql_bind;

namespace respawn::database {

class MariadbBulk {
  public:
    // For a handle that outlives it. `at_once`: whether the server takes many rows a call (not MySQL).
    MariadbBulk(st_mysql* handle, bool at_once);
    MariadbBulk(const MariadbBulk&) = delete;
    MariadbBulk& operator=(const MariadbBulk&) = delete;
    ~MariadbBulk();

    // Each of these is false when the server or the client library refused: see code() and message().
    bool prepare(std::string_view sql); // with a '?' for each cell of a row
    bool add(std::span<const MariadbTables::Cell> cells);
    bool flush(); // what add() still holds

    unsigned code() const;
    const char* message() const;
    std::uint64_t taken() const { return taken_; } // rows, as the server counts

  private:
    struct Value {
        std::size_t begin = 0, size = 0; // in bytes_
        bool null = false;
    };
    st_mysql_stmt* statement_;
    const std::size_t rows_at_once_;
    std::string bytes_;
    std::vector<Value> values_; // row after row
    std::size_t columns_ = 0;
    std::uint64_t taken_ = 0;
};

} // namespace respawn::database
