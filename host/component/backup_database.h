// A SQLite backup opened where it lies: its pages come out of the vault when a statement needs them.
#pragma once

#include "database/sqlite_bytes.h"
#include "vault/vault.h"

namespace respawn::component {

// The vault must outlive it. Kind::usage for a record that is no SQLite backup;
// Kind::corrupt, here and of every statement, where the vault has lost a part of it.
Result<database::BytesDatabase> open_backup_database(vault::Vault& from,
                                                     const vault::ComponentRecord& record);

// Several at once, each under its name in SQL: a.players, b.players.
struct NamedBackup {
    std::string name;
    vault::Vault* from = nullptr;
    const vault::ComponentRecord* record = nullptr;
};
Result<database::BytesDatabase> open_backup_databases(const std::vector<NamedBackup>& backups);

} // namespace respawn::component
