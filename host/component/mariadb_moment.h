// Several connections that all see one moment of a MariaDB or MySQL server, so that tables are read in
// parallel and yet belong together.
#pragma once

#include "base/time.h"
#include "base/value.h"
#include "database/mariadb_tables.h"

#include <memory>
#include <vector>

namespace respawn::component {

struct ServerMoment {
    std::vector<std::unique_ptr<database::MariadbTables>> connections;
    Value position;                      // {file, position} in the binary log; null where it is off
    Duration locked = Duration::zero();  // for how long no other connection could commit
    std::vector<std::string> notes = {}; // why it took a lock, or is one connection alone
};

// With the binary log on there is no lock: connections begin until all see the same position. Without
// it commits are held up for the moment it takes to begin (BACKUP STAGE BLOCK_COMMIT, on MySQL FLUSH
// TABLES WITH READ LOCK), and where the login may not do that, one connection reads alone.
Result<ServerMoment> open_moment(const database::Login& login, std::size_t connections,
                                 const Cancellation& cancel);

// The global transaction id at a position, from any connection at any time; empty where the server has
// none. The server reads its log up to there: up to seconds.
Result<std::string> gtid_at(database::MariadbTables& server, const Value& position);

// Of a database that nobody writes to.
Result<ServerMoment> open_still(const database::Login& login, std::size_t connections,
                                const Cancellation& cancel);

} // namespace respawn::component
