// What the logins on a PostgreSQL server may and may not.
#pragma once

#include "database/database.h"
#include "database/server_login.h"
#include "database/session.h"

namespace respawn::database {

// What the writing login lacks for writing.
Result<std::vector<Lack>> find_postgres_writer_lacks(Session& session, const Login& login);
// What the reading login could change.
Result<std::vector<Lack>> find_postgres_reader_lacks(Session& session, const Login& login);

} // namespace respawn::database
