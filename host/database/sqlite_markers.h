// respawn's own tables in a game's SQLite database: which step of which run committed here, business
// keys that were used, fencing tokens seen. They are made by the first live write and travel with the
// database.
#pragma once

#include "database/database.h"
#include "database/sqlite_connection.h"

namespace respawn::database {

// Inside the write's transaction, before the changes: makes the tables when missing, refuses a token
// that is lower than one seen for the target, what contains it or lies in it (Kind::leased), remembers
// the token.
Result<void> check_token(SqliteConnection& connection, const Marker& marker);
// Takes the business keys of a write. Kind::conflict names the run that used one before.
Result<void> take_business_keys(SqliteConnection& connection, const Write& write,
                                std::int64_t marker_number);
// The same refusal without taking them, for trials; tables may be missing.
Result<void> check_business_keys(SqliteConnection& connection, const Write& write);
// Writes the marker's row and gives its number, so that its result can be filled in before the commit.
Result<std::int64_t> add_marker(SqliteConnection& connection, const Marker& marker,
                                std::string_view why, Moment moment);
Result<void> fill_marker(SqliteConnection& connection, std::int64_t number, const Written& written);
Result<std::optional<Written>> find_marker(SqliteConnection& connection, std::string_view run,
                                           std::int64_t step);
Result<MarkerState> read_marker_state(SqliteConnection& connection);

} // namespace respawn::database
