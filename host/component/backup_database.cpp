#include "component/backup_database.h"

#include "component/of_backup.h"
#include "component/sqlite_restore.h"

#include <fmt/format.h>

namespace respawn::component {

Result<database::BytesDatabase> open_backup_database(vault::Vault& from,
                                                     const vault::ComponentRecord& record) {
    if (record.kind != "sqlite")
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} is of kind {}, which holds no tables", record.name,
                                         record.kind) };
    const auto entry = TRY(of_backup(database_entry(from, record)));
    return database::BytesDatabase::open(
        { .name = record.name,
          .size = entry.content.size,
          .read = [&from, content = entry.content](std::uint64_t offset, std::size_t size) {
              return of_backup(from.read_range(content, offset, size));
          } });
}

} // namespace respawn::component
