// The virtual tables of SnapshotSql (sqlite.org/vtab.html): one for each table of a snapshot,
// read-only.
#pragma once

#include "component/snapshot_sql.h"
#include "database/sqlite_connection.h"

namespace respawn::component {

// What the virtual tables of one connection share.
struct SqlTables {
    std::vector<SqlSchema> schemas;
    std::vector<const SqlSource*> all;
    std::vector<std::unique_ptr<SnapshotTable>> opened;
    std::optional<Error> fault; // of a table; SQLite only knows that there was one
    // The last member: it ends first, with all that points to the others.
    std::optional<database::SqliteConnection> connection;

    Result<SnapshotTable*> table(std::size_t which);
};

// Makes a connection with a virtual table for each table. They keep pointing to `tables`.
Result<void> connect_tables(SqlTables& tables);

} // namespace respawn::component
