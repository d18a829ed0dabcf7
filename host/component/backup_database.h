// A SQLite backup opened where it lies: its pages come out of the vault when a statement needs them.
#pragma once

#include "database/sqlite_bytes.h"
#include "vault/vault.h"

namespace respawn::component {

// The vault must outlive it. Kind::usage for a record that is no SQLite backup.
Result<database::BytesDatabase> open_backup_database(vault::Vault& from,
                                                     const vault::ComponentRecord& record);

} // namespace respawn::component
