// The mariadb driver's way in, for databases.cpp.
#pragma once

#include "database/database.h"

namespace respawn::database {

Result<std::unique_ptr<Database>> open_mariadb(const config::ComponentSettings& settings);

} // namespace respawn::database
