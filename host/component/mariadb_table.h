// A table of a MariaDB or MySQL backup as a SnapshotTable, and the live one beside it. A row is found
// by its key or by a further unique key in a few small reads; two backups are compared by what differs.
#pragma once

#include "base/cancel.h"
#include "component/snapshot_table.h"

namespace respawn::component {

Result<std::unique_ptr<SnapshotTable>>
open_mariadb_table(vault::Vault& from, const vault::ComponentRecord& record, const std::string& name);
Result<std::vector<TableShape>> list_mariadb_tables(vault::Vault& from,
                                                    const vault::ComponentRecord& record);
// Rows come by one statement of the writing login, of one moment, and can only be compared with a
// backup's. `cancel` must outlive it.
Result<std::unique_ptr<SnapshotTable>> live_mariadb_table(const config::ComponentSettings& settings,
                                                          const std::string& name,
                                                          database::Reader& reader,
                                                          const Cancellation& cancel);

} // namespace respawn::component
