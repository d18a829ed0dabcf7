#include "component/backup_database.h"

#include "component/of_backup.h"
#include "component/sqlite_restore.h"

#include <fmt/format.h>

namespace respawn::component {

namespace {

Result<database::Bytes> bytes_of(vault::Vault& from, const vault::ComponentRecord& record,
                                 const std::string& name) {
    if (record.kind != "sqlite")
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} is of kind {}, which holds no tables", record.name,
                                         record.kind) };
    const auto entry = TRY(of_backup(database_entry(from, record)));
    return database::Bytes{ .name = name,
                            .size = entry.content.size,
                            .read = [&from, content = entry.content](std::uint64_t offset,
                                                                     std::size_t size) {
                                return of_backup(from.read_range(content, offset, size));
                            } };
}

} // namespace

Result<database::BytesDatabase> open_backup_database(vault::Vault& from,
                                                     const vault::ComponentRecord& record) {
    return database::BytesDatabase::open(TRY(bytes_of(from, record, record.name)));
}

Result<database::BytesDatabase> open_backup_databases(const std::vector<NamedBackup>& backups) {
    std::vector<database::Bytes> all;
    for (const auto& backup : backups)
        all.push_back(TRY(bytes_of(*backup.from, *backup.record, backup.name)));
    return database::BytesDatabase::open_together(std::move(all));
}

} // namespace respawn::component
