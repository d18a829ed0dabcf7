// SQL over one snapshot or two, whatever engine they are of, where they lie. The database file of
// SQLite is opened as it is; elsewhere each table is a virtual one, whose rows are read through
// SnapshotTable: by their key where the SQL names it, else from the first to the last. Numbers that
// SQLite would round are computed exactly (database/exact_sql.h). Not thread-safe.
#pragma once

#include "component/snapshot_table.h"
#include "database/sqlite_bytes.h"
#include "database/sqlite_reads.h"

namespace respawn::component {

// One table that SQL can name, opened when it is first read.
struct SqlSource {
    TableShape shape;
    std::function<Result<std::unique_ptr<SnapshotTable>>()> open;
};

// The tables that stand under one name: a.players. The name is empty for the only one.
struct SqlSchema {
    std::string name;
    std::vector<SqlSource> tables;
};

struct SqlTables;

class SnapshotSql {
  public:
    // One database, or two: their tables are then a.players and b.players. The vault outlives it.
    static Result<SnapshotSql> open(vault::Vault& from,
                                    const std::vector<const vault::ComponentRecord*>& records);
    static Result<SnapshotSql> over(std::vector<SqlSchema> schemas);
    SnapshotSql(SnapshotSql&&) noexcept;
    ~SnapshotSql();

    // One statement that only reads; each row goes to the sink. Kind::unsupported for arithmetic that
    // could not be exact; an error of a table's is the error.
    Result<void> query(std::string_view sql, const database::RowSink& sink);

  private:
    explicit SnapshotSql(database::BytesDatabase image);
    explicit SnapshotSql(std::unique_ptr<SqlTables> tables);
    std::optional<database::BytesDatabase> image_;
    std::unique_ptr<SqlTables> tables_;
};

// The tables of a backup as a schema.
Result<SqlSchema> schema_of(vault::Vault& from, const vault::ComponentRecord& record, std::string name);

} // namespace respawn::component
