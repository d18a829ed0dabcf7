// The sqlite driver's way in, for databases.cpp.
#pragma once

#include "database/database.h"

namespace respawn::database {

Result<std::unique_ptr<Database>> open_sqlite(const config::ComponentSettings& settings);
Result<std::unique_ptr<Trial>> open_sqlite_copy(const io::Path& copy);

} // namespace respawn::database
