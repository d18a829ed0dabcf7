#include "database/sqlite_writes.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <sqlite3.h>

namespace respawn::database {

namespace {

// A table as the changes need it.
struct Table {
    std::string name;
    std::vector<std::string> columns;        // all that can be read
    std::vector<std::string> stored_columns; // those with bytes in the row, in the row's order
    std::vector<std::string> key_columns;    // the primary key; empty: the row id alone
    std::map<std::string, std::string> types;
    bool is_view = false;
    // SQLite takes the position of the row id's column for its place in the stored row. Behind a
    // virtual column they differ: what it tells for this stored column is the row id, not the value.
    std::optional<std::size_t> mistold;
};

// Names are taken exactly as they stand in the schema, so that one table has one name in plans, and
// respawn's own cannot be named by another spelling.
Result<std::string> type_of_table(SqliteConnection& connection, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& row :
         TRY(connection.rows("select name, type from pragma_table_list where schema = 'main'"))) {
        if (*row.at("name").text() == name)
            return *row.at("type").text();
        names.push_back(*row.at("name").text());
    }
    const auto near = nearest(name, names);
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("there is no table {}", printable(name)),
                  .fix = near.empty() ? "" : fmt::format("did you mean {}?", near) };
}

// The row id stands in a column of its own when that alone is the key and is declared INTEGER.
std::optional<std::size_t> find_mistold(const Table& table, bool without_rowid) {
    if (table.key_columns.size() != 1 || without_rowid)
        return {};
    const auto& key = table.key_columns[0];
    if (sqlite3_stricmp(table.types.at(key).c_str(), "integer") != 0)
        return {};
    const auto at = std::find(table.columns.begin(), table.columns.end(), key) - table.columns.begin();
    const auto stored = std::find(table.stored_columns.begin(), table.stored_columns.end(), key) -
                        table.stored_columns.begin();
    return at == stored ? std::nullopt : std::optional(static_cast<std::size_t>(at));
}

Result<Table> read_table(SqliteConnection& connection, const std::string& name) {
    Table table{ .name = name };
    const auto type = TRY(type_of_table(connection, name));
    if (type == "shadow")
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("table {} belongs to a virtual table", printable(name)),
                      .fix = "change the virtual table itself" };
    table.is_view = type == "view";
    std::map<std::int64_t, std::string> key;
    for (const auto& column :
         TRY(connection.rows("select name, type, pk, hidden from pragma_table_xinfo(?)", { name }))) {
        const auto column_name = column.at("name").text() ? *column.at("name").text() : "";
        table.columns.push_back(column_name);
        table.types[column_name] = column.at("type").text() ? *column.at("type").text() : "";
        if (*column.at("hidden").integer() !=
            2) // 2: a virtual generated column has no bytes in the row
            table.stored_columns.push_back(column_name);
        if (const auto position = *column.at("pk").integer(); position > 0)
            key[position] = column_name;
    }
    for (const auto& [position, column] : key)
        table.key_columns.push_back(column);
    const auto without_rowid = TRY(connection.value(
        "select wr from pragma_table_list where schema = 'main' and name = ?", { name }));
    table.mistold = find_mistold(table, without_rowid == Value(1));
    return table;
}

class Tables {
  public:
    explicit Tables(SqliteConnection& connection) : connection_(connection) {}
    Result<const Table*> find(const std::string& name) {
        const auto known = tables_.find(name);
        if (known != tables_.end())
            return &known->second;
        return &tables_.emplace(name, TRY(read_table(connection_, name))).first->second;
    }
    // Shadow tables of virtual tables change with them, and are not the game's rows.
    Result<bool> is_shadow(const std::string& name) {
        if (shadows_.empty()) {
            shadows_.insert("");
            for (const auto& row :
                 TRY(connection_.rows("select name from pragma_table_list where type = 'shadow'")))
                shadows_.insert(*row.at("name").text());
        }
        return shadows_.contains(name);
    }

  private:
    SqliteConnection& connection_;
    std::map<std::string, Table> tables_;
    std::set<std::string> shadows_;
};

// ---- observing ----

Value unpack(sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return static_cast<std::int64_t>(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
        return sqlite3_value_double(value);
    case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
        return std::string(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
    }
    case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
        return Blob{ std::string(bytes ? bytes : "",
                                 static_cast<std::size_t>(sqlite3_value_bytes(value))) };
    }
    default:
        return nullptr;
    }
}

// Hears of every row that is about to change, while it lives. The hook may not touch the connection, so
// rows are kept as bare values and named afterwards.
class RowObserver {
  public:
    struct Event {
        std::string table;
        int operation = 0;
        std::vector<Value> before, after;
        std::int64_t row_before = 0, row_after = 0;
        int depth = 0; // 0: the statement itself; more: a trigger or a cascade
    };

    explicit RowObserver(sqlite3* handle) : handle_(handle) {
        sqlite3_preupdate_hook(handle_, heard, this);
    }
    RowObserver(const RowObserver&) = delete;
    RowObserver& operator=(const RowObserver&) = delete;
    ~RowObserver() { sqlite3_preupdate_hook(handle_, nullptr, nullptr); }
    std::vector<Event> take() { return std::move(events_); }

  private:
    static void heard(void* self, sqlite3* handle, int operation, const char* schema, const char* table,
                      sqlite3_int64 row_before, sqlite3_int64 row_after) {
        if (std::string_view(schema) != "main" || std::string_view(table).starts_with("respawn_"))
            return;
        Event event{ .table = table,
                     .operation = operation,
                     .row_before = row_before,
                     .row_after = row_after,
                     .depth = sqlite3_preupdate_depth(handle) };
        for (int i = 0; i < sqlite3_preupdate_count(handle); ++i) {
            sqlite3_value* value = nullptr;
            if (operation != SQLITE_INSERT && sqlite3_preupdate_old(handle, i, &value) == SQLITE_OK)
                event.before.push_back(unpack(value));
            if (operation != SQLITE_DELETE && sqlite3_preupdate_new(handle, i, &value) == SQLITE_OK)
                event.after.push_back(unpack(value));
        }
        static_cast<RowObserver*>(self)->events_.push_back(std::move(event));
    }

    sqlite3* handle_;
    std::vector<Event> events_;
};

Value::Map named(const Table& table, const std::vector<Value>& values, std::int64_t row_id) {
    Value::Map row;
    for (std::size_t i = 0; i < values.size() && i < table.stored_columns.size(); ++i)
        if (table.mistold != i)
            row.emplace(table.stored_columns[i], values[i]);
    if (table.mistold && !row.empty())
        row[table.key_columns[0]] = row_id;
    return row;
}

Value::Map key_of(const Table& table, const Value::Map& row, std::int64_t row_id) {
    Value::Map key;
    for (const auto& column : table.key_columns)
        if (const auto found = row.find(column); found != row.end())
            key.insert(*found);
    if (key.empty())
        key.emplace("rowid", row_id);
    return key;
}

// Two events on one row become one change from the first before to the last after.
void merge(std::vector<RowChange>& changes, RowChange change) {
    for (auto& known : changes) {
        if (known.table != change.table || known.key != change.key)
            continue;
        known.after = std::move(change.after);
        known.asked = known.asked || change.asked;
        return;
    }
    changes.push_back(std::move(change));
}

Result<std::vector<RowChange>> name_events(Tables& tables, std::vector<RowObserver::Event> events) {
    std::vector<RowChange> changes;
    for (auto& event : events) {
        if (TRY(tables.is_shadow(event.table)))
            continue;
        const auto* table = TRY(tables.find(event.table));
        auto before = named(*table, event.before, event.row_before);
        auto after = named(*table, event.after, event.row_after);
        const bool asked = event.depth == 0;
        const auto key_before = key_of(*table, before, event.row_before);
        const auto key_after = key_of(*table, after, event.row_after);
        if (event.operation == SQLITE_UPDATE && key_before != key_after) {
            merge(changes, { event.table, key_before, std::move(before), {}, asked });
            merge(changes, { event.table, key_after, {}, std::move(after), asked });
        } else {
            merge(changes, { event.table, event.operation == SQLITE_INSERT ? key_after : key_before,
                             std::move(before), std::move(after), asked });
        }
    }
    std::erase_if(changes, [](const RowChange& change) { return change.before == change.after; });
    return changes;
}

// ---- applying ----

std::string describe_row(const std::string& table, const Value::Map& key) {
    std::string names;
    for (const auto& [column, value] : key)
        names += (names.empty() ? "" : ", ") +
                 (key.size() == 1 ? to_text(value) : column + "=" + to_text(value));
    return fmt::format("{}[{}]", printable(table), names);
}

// "where a is ? and b is ?" with its values appended. IS, so that null finds null.
std::string where(const Value::Map& key, std::vector<Value>& parameters) {
    std::string text;
    for (const auto& [column, value] : key) {
        text += (text.empty() ? " where " : " and ") + quoted_name(column) + " is ?";
        parameters.push_back(value);
    }
    return text;
}

Result<Value> at_write(const Table& table, const std::string& column, const Value& value,
                       Moment moment) {
    const auto* symbol = value.symbol();
    if (!symbol)
        return value;
    if (symbol->name != "now")
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{}.{} would be set to <{}>, which is not known", table.name,
                                         column, printable(symbol->name)) };
    // SQLite has no time type: a column declared as a whole number holds seconds, any other a text.
    const auto type = table.types.find(column);
    const bool number =
        type != table.types.end() && sqlite3_strlike("%int%", type->second.c_str(), 0) == 0;
    return number ? Value(moment.microseconds / 1'000'000) : Value(to_rfc3339(moment, true));
}

Result<void> must_know(const Table& table, const Value::Map& values) {
    for (const auto& [column, value] : values)
        if (std::find(table.columns.begin(), table.columns.end(), column) == table.columns.end()) {
            const auto near = nearest(column, table.columns);
            return Error{ .kind = Kind::script,
                          .why = fmt::format("table {} has no column {}", printable(table.name),
                                             printable(column)),
                          .fix = near.empty() ? "look at the table's columns"
                                              : fmt::format("did you mean {}?", near) };
        }
    return {};
}

// The one row a change names.
Result<Value::Map> current_row(SqliteConnection& connection, const Change& change) {
    if (change.key.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("a change of table {} names no row", printable(change.table)),
                      .fix = "give key = { column = value }" };
    std::vector<Value> parameters;
    const auto condition = where(change.key, parameters);
    auto rows = TRY(connection.rows(
        "select * from " + quoted_name(change.table) + condition + " limit 2", parameters));
    if (rows.empty())
        return Error{ .kind = Kind::moved,
                      .why = fmt::format("{} is not there", describe_row(change.table, change.key)) };
    if (rows.size() > 1)
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{} names more than one row",
                                         describe_row(change.table, change.key)),
                      .fix = "name the row by its primary key" };
    return std::move(rows[0]);
}

Result<void> must_hold(const Change& change, const Value::Map& row) {
    for (const auto& [column, expected] : change.expect) {
        const auto found = row.find(column);
        if (found == row.end() || !(found->second == expected))
            return Error{ .kind = Kind::moved,
                          .why = fmt::format("{}.{} is {}, {} was expected",
                                             describe_row(change.table, change.key), printable(column),
                                             found == row.end() ? "not there" : to_text(found->second),
                                             to_text(expected)),
                          .fix = "look at the row, then make a new plan" };
    }
    return {};
}

Result<Value> added(const Change& change, const std::string& column, const Value& old,
                    const Value& amount) {
    std::int64_t sum = 0;
    if (!old.integer() || !amount.integer())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{}.{} is {}, and {} cannot be added to it",
                                         describe_row(change.table, change.key), printable(column),
                                         to_text(old), to_text(amount)),
                      .fix = "money is whole numbers: add integers to integer columns" };
    if (__builtin_add_overflow(*old.integer(), *amount.integer(), &sum))
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{}.{} would overflow", describe_row(change.table, change.key),
                                         printable(column)) };
    return Value(sum);
}

// One statement that must change its one row. A trigger or a conflict clause of the game can make it do
// nothing without an error. Of a view nothing is known: its triggers act in its stead.
Result<void> run_change(SqliteConnection& connection, const Table& table, const std::string& sql,
                        const std::vector<Value>& parameters) {
    TRY(connection.run(sql, parameters));
    if (table.is_view || connection.changed_rows() == 1)
        return {};
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("the database changed {} of table {} without an error",
                                     connection.changed_rows() == 0 ? "nothing" : "several rows",
                                     printable(table.name)),
                  .fix = "a trigger or a conflict clause of the game prevents the change" };
}

Result<void> insert(SqliteConnection& connection, const Table& table, const Change& change,
                    Moment moment) {
    std::string columns;
    std::string marks;
    std::vector<Value> parameters;
    for (const auto& [column, value] : change.set) {
        columns += (columns.empty() ? "" : ", ") + quoted_name(column);
        marks += marks.empty() ? "?" : ", ?";
        parameters.push_back(TRY(at_write(table, column, value, moment)));
    }
    if (columns.empty())
        return run_change(connection, table,
                          "insert into " + quoted_name(table.name) + " default values", {});
    return run_change(connection, table,
                      "insert into " + quoted_name(table.name) + " (" + columns + ") values (" + marks +
                          ")",
                      parameters);
}

Result<void> update(SqliteConnection& connection, const Table& table, const Change& change,
                    Moment moment) {
    const auto row = TRY(current_row(connection, change));
    TRY(must_hold(change, row));
    std::string assignments;
    std::vector<Value> parameters;
    const auto assign = [&](const std::string& column, Value value) {
        assignments += (assignments.empty() ? "" : ", ") + quoted_name(column) + " = ?";
        parameters.push_back(std::move(value));
    };
    for (const auto& [column, value] : change.set)
        assign(column, TRY(at_write(table, column, value, moment)));
    for (const auto& [column, amount] : change.add)
        assign(column, TRY(added(change, column, row.at(column), amount)));
    if (assignments.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("the change of {} sets nothing",
                                         describe_row(change.table, change.key)),
                      .fix = "give set = { … } or add = { … }" };
    const auto condition = where(change.key, parameters);
    return run_change(connection, table,
                      "update " + quoted_name(table.name) + " set " + assignments + condition,
                      parameters);
}

Result<void> remove(SqliteConnection& connection, const Table& table, const Change& change) {
    TRY(must_hold(change, TRY(current_row(connection, change))));
    std::vector<Value> parameters;
    const auto condition = where(change.key, parameters);
    return run_change(connection, table, "delete from " + quoted_name(change.table) + condition,
                      parameters);
}

Result<void> apply(SqliteConnection& connection, Tables& tables, const Change& change, Moment moment) {
    if (change.table.starts_with("respawn_") || change.table.starts_with("sqlite_"))
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("table {} is not the game's", printable(change.table)) };
    const auto* table = TRY(tables.find(change.table));
    for (const auto* values : { &change.key, &change.set, &change.add, &change.expect })
        TRY(must_know(*table, *values));
    switch (change.kind) {
    case ChangeKind::insert:
        return insert(connection, *table, change, moment);
    case ChangeKind::update:
        return update(connection, *table, change, moment);
    case ChangeKind::remove:
        return remove(connection, *table, change);
    }
    return {};
}

// A REPLACE conflict clause hides deletions from the observer unless recursive triggers are on; a
// game's own setting decides whether triggers nest, so tables that use it are told of as they are.
Result<void> apply_all(SqliteConnection& connection, Tables& tables, const Write& write,
                       Moment moment) {
    for (const auto& change : write.changes)
        TRY(apply(connection, tables, change, moment)
                .while_doing("change " + describe_row(change.table, change.kind == ChangeKind::insert
                                                                        ? change.set
                                                                        : change.key)));
    return {};
}

} // namespace

Result<Written> apply_changes(SqliteConnection& connection, const Write& write, Moment moment) {
    Tables tables(connection);
    RowObserver observer(connection.handle());
    TRY(apply_all(connection, tables, write, moment));
    return Written{ .rows = TRY(name_events(tables, observer.take())) };
}

} // namespace respawn::database
