// The postgres driver's ways in: for databases.cpp, and for respawn's own tables on a server.
#pragma once

#include "database/server_database.h"

namespace respawn::database {

Result<std::unique_ptr<Database>> open_postgres(const config::ComponentSettings& settings);
// A connection that may write. Kind::unavailable, Kind::denied, Kind::missing (no such database).
Result<std::unique_ptr<ServerSession>> connect_postgres(const config::ComponentSettings& settings,
                                                        const Patience& patience);

} // namespace respawn::database
