// Takes a MariaDB or MySQL database into the vault as of one moment, table by table on several
// connections.
#pragma once

#include "component/component.h"
#include "component/mariadb_schema.h"
#include "component/notes.h"

namespace respawn::component {

Result<vault::ComponentRecord> back_up_mariadb(const config::ComponentSettings& settings,
                                               vault::Writer& into, const Work& work);

// Puts what a copy of a database has in the words of the database that it is a copy of.
using InTheWordsOf =
    std::function<void(ServerSchema& schema, std::vector<ServerTable>& tables, Notes& notes)>;
// A database that nobody else writes to: without a lock, and of no moment in a log. A database without
// a table is an Error.
Result<vault::ComponentRecord> back_up_still_copy(const database::Login& login, const std::string& name,
                                                  vault::Writer& into, const Work& work,
                                                  const InTheWordsOf& tell);

} // namespace respawn::component
