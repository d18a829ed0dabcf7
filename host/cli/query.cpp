#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "component/snapshot_sql.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

std::string csv_cell(const Value& value) {
    if (value.is_null())
        return "";
    auto text = value.text() ? *value.text() : value.blob() ? to_text(value) : to_json(value);
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return text;
    std::string quoted = "\"";
    for (const char letter : text)
        quoted += letter == '"' ? "\"\"" : std::string(1, letter);
    return quoted + "\"";
}

std::string csv_line(const std::vector<std::string>& cells) { return join(cells, ","); }

// Row after row, so that a large answer takes no memory.
Result<void> say_csv(component::SnapshotSql& database, const std::string& sql) {
    bool headed = false;
    return database.query(sql, [&](const auto& columns, const std::vector<Value>& row) -> Result<void> {
        std::vector<std::string> cells;
        if (!std::exchange(headed, true)) {
            for (const auto& column : columns)
                cells.push_back(csv_cell(column));
            say(csv_line(std::exchange(cells, {})));
        }
        for (const auto& value : row)
            cells.push_back(csv_cell(value));
        say(csv_line(cells));
        return {};
    });
}

std::string table_cell(const Value& value) {
    return value.text() ? printable(*value.text()) : to_text(value);
}

Result<void> say_table(component::SnapshotSql& database, const std::string& sql) {
    std::optional<Table> table;
    TRY(database.query(sql, [&](const auto& columns, const std::vector<Value>& row) -> Result<void> {
        if (!table)
            table.emplace(columns);
        std::vector<std::string> cells;
        for (const auto& value : row)
            cells.push_back(table_cell(value));
        table->add(std::move(cells));
        return {};
    }));
    table ? say(table->text()) : tell("no rows");
    return {};
}

Result<void> say_rows(component::SnapshotSql& database, const std::string& sql) {
    Value::List rows;
    TRY(database.query(sql, [&](const auto& columns, std::vector<Value> row) -> Result<void> {
        Value::Map cells;
        for (std::size_t i = 0; i < row.size(); ++i)
            cells[columns[i]] = std::move(row[i]);
        rows.push_back(std::move(cells));
        return {};
    }));
    say_json(rows);
    return {};
}

Result<int> query_backups(const Context& context) {
    const auto names = context.typed.values("BACKUP");
    if (names.size() > 2)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} backups are named, at most two are asked at once",
                                         names.size()),
                      .fix = "put the SQL between quotes" };
    auto source = TRY(open_vault(context));
    const auto component = context.typed.value("--component");
    std::vector<vault::Snapshot> snapshots;
    for (const auto& name : names)
        snapshots.push_back(TRY(named_snapshot(source, name, context.typed.values("--component"))));
    std::vector<const vault::ComponentRecord*> records;
    std::vector<std::string> ids;
    for (const auto& snapshot : snapshots) {
        records.push_back(TRY(database_in(snapshot, component)));
        ids.push_back(snapshot.id);
    }
    auto database = TRY(component::SnapshotSql::open(*source.vault, records));
    const auto sql = context.typed.value("SQL");
    const auto done = context.json                 ? say_rows(database, sql)
                      : context.typed.has("--csv") ? say_csv(database, sql)
                                                   : say_table(database, sql);
    TRY(Result<void>(done).while_doing("query the backup", join(ids, ", ")));
    return 0;
}

} // namespace

extern const Verb query = {
    .name = "query",
    .summary = "Runs SQL on a backup, or on two at once, where they lie, without restoring them.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME; of two, the tables "
                            "are a.TABLE and b.TABLE",
                     .required = true,
                     .repeated = true },
                   { .name = "SQL", .doc = "one statement that only reads", .required = true } },
    .options =
        with_opening({ { .name = "--component",
                         .value = "NAME",
                         .doc = "which database, when the backup holds several" },
                       { .name = "--csv", .doc = "comma-separated values, with a line of headings" } }),
    .details =
        "Only what the statement needs is read from the vault: rows by their key where it names one. "
        "With --json the answer is an array of objects, one a row.",
    .example =
        "respawn query @yesterday latest \"select b.id, b.galleons - a.galleons from a.players a "
        "join b.players b on a.id = b.id where a.galleons <> b.galleons\"",
    .run = query_backups,
};

} // namespace respawn::cli
