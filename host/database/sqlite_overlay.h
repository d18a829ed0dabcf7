// A live SQLite database as of one moment, to write in: pages that are written go to a file of its own,
// and the live one is only read. While this lives it holds a read transaction there, and no lock
// besides.
#pragma once

#include "database/page_source.h"
#include "database/sqlite_connection.h"

namespace respawn::database {

class SqliteOverlay {
  public:
    // `scratch`: an existing folder of the caller's. Only changed pages take space there, and none
    // after this has ended.
    static Result<SqliteOverlay> open(const io::Path& live, const io::Path& scratch);
    SqliteConnection& connection() { return connection_; }

  private:
    class Pages;
    SqliteOverlay(std::unique_ptr<Pages> pages, SqliteConnection connection);

  public:
    SqliteOverlay(SqliteOverlay&&) noexcept;
    SqliteOverlay& operator=(SqliteOverlay&&) noexcept;
    ~SqliteOverlay();

  private:
    std::unique_ptr<Pages> pages_; // outlives the connection
    SqliteConnection connection_;
};

} // namespace respawn::database
