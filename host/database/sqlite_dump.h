// A SQLite database as SQL text.
#pragma once

#include "database/sqlite_connection.h"
#include "io/stream.h"

namespace respawn::database {

// As the sqlite3 program's .dump writes it: schema, rows, then views, indexes and triggers; all within
// one read transaction that the source holds. Only these tables, or all when empty. Rows come as they
// are read.
Result<std::unique_ptr<io::Source>> dump_database(SqliteConnection connection,
                                                  const std::vector<std::string>& tables);

} // namespace respawn::database
