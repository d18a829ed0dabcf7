// What the logins on a MariaDB or MySQL server may and may not.
#pragma once

#include "database/database.h"
#include "database/mariadb_connection.h"

namespace respawn::database {

// What the writing login lacks for writing.
Result<std::vector<Lack>> find_writer_lacks(MariadbConnection& connection);
// What the reading login could change.
Result<std::vector<Lack>> find_reader_lacks(MariadbConnection& connection);

} // namespace respawn::database
