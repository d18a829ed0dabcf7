// Structured writes on SQLite: applying changes with their expected values, and observing every row
// that changed, also by triggers and cascades.
#pragma once

#include "database/database.h"
#include "database/sqlite_connection.h"

namespace respawn::database {

// Applies all changes on the connection, inside a transaction the caller holds, and tells every row's
// before and after. `moment` is what the symbol "now" becomes. Tables of respawn's own are not told of.
Result<Written> apply_sqlite_changes(SqliteConnection& connection, const Write& write, Moment moment);

} // namespace respawn::database
