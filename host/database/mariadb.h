// The mariadb driver's way in, for databases.cpp; and into databases that no component is: scratch
// copies.
#pragma once

#include "database/database.h"
#include "database/server_login.h"

namespace respawn::database {

Result<std::unique_ptr<Database>> open_mariadb(const config::ComponentSettings& settings);

// The login of a scratch server, without a database.
Result<Login> mariadb_scratch_login(const config::ComponentSettings& settings);
// One of its databases as a component to be opened; the name is letters, digits and '_'.
config::ComponentSettings mariadb_copy_settings(const config::ComponentSettings& scratch,
                                                std::string_view database);
// For reading: the login's database.
std::unique_ptr<Database> open_mariadb_copy(const Login& login);

} // namespace respawn::database
