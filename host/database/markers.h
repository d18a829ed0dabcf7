// respawn's own tables in a game's database: which step of which run committed here, business keys that
// were used, fencing tokens seen. They are made by the first live write and travel with the database.
#pragma once

#include "database/database.h"
#include "database/session.h"

namespace respawn::database {

// The tables in an engine's own words; all of it may be run again.
struct MarkerTables {
    std::vector<std::string> statements;
    std::string name_incarnation; // takes the incarnation's id, the first of which stays
};
// Where they are missing or were half made.
Result<void> make_marker_tables(Session& session, const MarkerTables& tables);

// Inside the write's transaction, which no other write of respawn's in this database overlaps, before
// the changes: refuses a token that is lower than one seen for the target, what contains it or lies in
// it (Kind::leased), remembers the token.
Result<void> check_token(Session& session, const Marker& marker);
// Takes the business keys of a write. Kind::conflict names the run that used one before.
Result<void> take_business_keys(Session& session, const Write& write, std::int64_t marker_number);
// The same refusal without taking them, for trials; tables may be missing.
Result<void> check_business_keys(Session& session, const Write& write);
// Writes the marker's row and gives its number, so that its result can be filled in before the commit.
Result<std::int64_t> add_marker(Session& session, const Marker& marker, std::string_view why,
                                Moment moment);
Result<void> fill_marker(Session& session, std::int64_t number, const Written& written);
Result<std::optional<Written>> find_marker(Session& session, std::string_view run, std::int64_t step);
Result<MarkerState> read_marker_state(Session& session);

} // namespace respawn::database
