// Opens connections to MariaDB and MySQL: how a login, its TLS and its deadlines become options of the
// client library. Files of this folder alone include it.
#pragma once

#include "database/server_database.h"

struct st_mysql;

namespace respawn::database {

enum class Use {
    statements,   // rows have at most 64 MiB
    whole_tables, // rows are as long as the server has them
};

// The caller closes it. Files of this machine are never read for the server. Kind::unavailable,
// Kind::denied, Kind::missing (no such database).
Result<st_mysql*> connect_mariadb(const Login& login, const Patience& patience,
                                  Use use = Use::statements);
bool is_mariadb(st_mysql* handle); // else MySQL
// What the server said, with what to do about it.
Error mariadb_error(const Login& login, bool is_mariadb, unsigned code, const char* text);
unsigned whole_seconds(Duration span); // rounded up, at least 1

} // namespace respawn::database
