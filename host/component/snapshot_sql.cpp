#include "component/snapshot_sql.h"

#include "component/backup_database.h"
#include "component/sql_tables.h"
#include "database/exact_sql.h"

#include <algorithm>

namespace respawn::component {

namespace {

constexpr Duration longest_query = std::chrono::hours(24); // a person waits for it

std::string lower(std::string_view text) {
    std::string small(text);
    for (auto& c : small)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return small;
}

const TableShape* shape_of(const SqlTables& tables, const database::ReadColumn& read) {
    for (const auto& schema : tables.schemas)
        if (read.database == (schema.name.empty() ? "main" : schema.name))
            for (const auto& source : schema.tables)
                if (lower(source.shape.name) == lower(read.table))
                    return &source.shape;
    return nullptr;
}

database::ColumnNames names_of(const SqlTables& tables, const database::Reading& reading) {
    database::ColumnNames names;
    for (const auto& read : reading.reads) {
        const auto* shape = shape_of(tables, read);
        if (!shape)
            continue;
        const auto holds = shape->holds.find(read.column);
        const bool exact = holds != shape->holds.end() &&
                           (holds->second == Holds::exact || holds->second == Holds::large);
        (exact ? names.exact : names.other).insert(lower(read.column));
    }
    return names;
}

Result<void> query_tables(SqlTables& tables, std::string_view sql, const database::RowSink& sink) {
    const auto reading = TRY(database::look_at(*tables.connection, sql));
    const auto names = names_of(tables, reading);
    std::string exact(sql);
    if (!names.exact.empty())
        exact = TRY(database::exact_sql(sql, names));
    // The columns are called what they are in the SQL that was asked, not in the one that is run.
    return database::guarded_query(
        *tables.connection, exact,
        [&](const auto&, std::vector<Value> row) { return sink(reading.columns, std::move(row)); },
        longest_query);
}

} // namespace

SnapshotSql::SnapshotSql(database::BytesDatabase image) : image_(std::move(image)) {}
SnapshotSql::SnapshotSql(std::unique_ptr<SqlTables> tables) : tables_(std::move(tables)) {}
SnapshotSql::SnapshotSql(SnapshotSql&&) noexcept = default;
SnapshotSql::~SnapshotSql() = default;

Result<SqlSchema> schema_of(vault::Vault& from, const vault::ComponentRecord& record,
                            std::string name) {
    SqlSchema schema{ .name = std::move(name), .tables = {} };
    for (auto& shape : TRY(list_tables(from, record))) {
        const auto table = shape.name;
        schema.tables.push_back(
            { std::move(shape), [&from, record, table] { return open_table(from, record, table); } });
    }
    return schema;
}

Result<SnapshotSql> SnapshotSql::over(std::vector<SqlSchema> schemas) {
    auto tables = std::make_unique<SqlTables>();
    tables->schemas = std::move(schemas);
    TRY(connect_tables(*tables));
    return SnapshotSql(std::move(tables));
}

Result<SnapshotSql> SnapshotSql::open(vault::Vault& from,
                                      const std::vector<const vault::ComponentRecord*>& records) {
    const bool images =
        std::ranges::all_of(records, [](const auto* record) { return record->kind == "sqlite"; });
    if (images && records.size() == 1)
        return SnapshotSql(TRY(open_backup_database(from, *records.front())));
    std::vector<NamedBackup> backups;
    for (const auto* record : records)
        backups.push_back({ std::string(1, static_cast<char>('a' + backups.size())), &from, record });
    if (images)
        return SnapshotSql(TRY(open_backup_databases(backups)));
    std::vector<SqlSchema> schemas;
    for (const auto& backup : backups)
        schemas.push_back(TRY(schema_of(from, *backup.record, records.size() > 1 ? backup.name : "")));
    return over(std::move(schemas));
}

Result<void> SnapshotSql::query(std::string_view sql, const database::RowSink& sink) {
    if (image_)
        return image_->query(sql, sink);
    tables_->fault.reset();
    auto done = query_tables(*tables_, sql, sink);
    if (!done.ok() && tables_->fault)
        return *tables_->fault;
    if (!done.ok() && done.error().kind == Kind::denied)
        done.error().fix = "a backup never changes: ask it with SELECT";
    return done;
}

} // namespace respawn::component
