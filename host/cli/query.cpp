#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "component/backup_database.h"

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
Result<void> say_csv(database::BytesDatabase& database, const std::string& sql) {
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

Result<void> say_table(database::BytesDatabase& database, const std::string& sql) {
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

Result<void> say_rows(database::BytesDatabase& database, const std::string& sql) {
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

Result<int> query_backup(const Context& context) {
    auto source = TRY(open_vault(context));
    const auto snapshot =
        TRY(named_snapshot(source, context.typed.value("BACKUP"), context.typed.values("--component")));
    const auto* record = TRY(database_in(snapshot, context.typed.value("--component")));
    auto database = TRY(component::open_backup_database(*source.vault, *record));
    const auto sql = context.typed.value("SQL");
    const auto done = context.json                 ? say_rows(database, sql)
                      : context.typed.has("--csv") ? say_csv(database, sql)
                                                   : say_table(database, sql);
    TRY(Result<void>(done).while_doing("query the backup", snapshot.id));
    return 0;
}

} // namespace

extern const Verb query = {
    .name = "query",
    .summary = "Runs SQL on a backup where it lies, without restoring it.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME",
                     .required = true },
                   { .name = "SQL", .doc = "one statement that only reads", .required = true } },
    .options =
        with_opening({ { .name = "--component",
                         .value = "NAME",
                         .doc = "which database, when the backup holds several" },
                       { .name = "--csv", .doc = "comma-separated values, with a line of headings" } }),
    .details =
        "Only the pages that the statement needs are read from the vault. With --json the answer "
        "is an array of objects, one a row.",
    .example = "respawn query latest \"select sum(galleons) from players\"",
    .run = query_backup,
};

} // namespace respawn::cli
