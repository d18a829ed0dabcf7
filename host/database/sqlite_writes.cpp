#include "database/sqlite_writes.h"

#include "base/text.h"

#include "database/changes.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <sqlite3.h>

namespace respawn::database {

namespace {

struct SqliteTable : Table {
    // SQLite takes the position of the row id's column for its place in the stored row. Behind a
    // virtual column they differ: what it tells for this stored column is the row id, not the value.
    std::optional<std::size_t> mistold;
    std::set<std::string> computed; // of stored_columns, those that are generated
};

Result<std::string> type_of_table(SqliteConnection& connection, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& row :
         TRY(connection.rows("select name, type from pragma_table_list where schema = 'main'"))) {
        if (*row.at("name").text() == name)
            return *row.at("type").text();
        names.push_back(*row.at("name").text());
    }
    return no_such_table(name, names);
}

// The row id stands in a column of its own when that alone is the key and is declared INTEGER.
std::optional<std::size_t> find_mistold(const SqliteTable& table, bool without_rowid) {
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

Result<SqliteTable> read_table(SqliteConnection& connection, const std::string& name) {
    SqliteTable table;
    table.name = name;
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
        const auto hidden =
            *column.at("hidden").integer(); // 2: generated, with no bytes in the row; 3: with
        if (hidden != 2)
            table.stored_columns.push_back(column_name);
        if (hidden == 3)
            table.computed.insert(column_name);
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

class Tables final : public ChangeTarget {
  public:
    Tables(SqliteConnection& connection, Moment moment) : connection_(connection), moment_(moment) {}
    Session& session() override { return connection_; }
    Result<const Table*> find(const std::string& name) override {
        if (name.starts_with("sqlite_"))
            return Error{ .kind = Kind::denied,
                          .why = fmt::format("table {} is not the game's", printable(name)) };
        return TRY(known(name));
    }
    Result<const SqliteTable*> known(const std::string& name) {
        const auto found = tables_.find(name);
        if (found != tables_.end())
            return &found->second;
        return &tables_.emplace(name, TRY(read_table(connection_, name))).first->second;
    }
    Result<Value> fit(const Table& table, const std::string& column, const Value& value) override {
        const auto* symbol = value.symbol();
        if (!symbol)
            return value;
        if (symbol->name != "now")
            return unknown_symbol(table, column, *symbol);
        // SQLite has no time type: a column declared as a whole number holds seconds, any other a text.
        const auto type = table.types.find(column);
        const bool number =
            type != table.types.end() && sqlite3_strlike("%int%", type->second.c_str(), 0) == 0;
        return number ? Value(moment_.microseconds / 1'000'000) : Value(to_rfc3339(moment_, true));
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
    Moment moment_;
    std::map<std::string, SqliteTable> tables_;
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

Value::Map named(const SqliteTable& table, const std::vector<Value>& values, std::int64_t row_id) {
    Value::Map row;
    for (std::size_t i = 0; i < values.size() && i < table.stored_columns.size(); ++i)
        if (table.mistold != i && !table.computed.contains(table.stored_columns[i]))
            row.emplace(table.stored_columns[i], values[i]);
    if (table.mistold && !row.empty())
        row[table.key_columns[0]] = row_id;
    return row;
}

Value::Map key_of(const SqliteTable& table, const Value::Map& row, std::int64_t row_id) {
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
        const auto* table = TRY(tables.known(event.table));
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

} // namespace

// A REPLACE conflict clause hides deletions from the observer unless recursive triggers are on; a
// game's own setting decides whether triggers nest, so tables that use it are told of as they are.
Result<Written> apply_sqlite_changes(SqliteConnection& connection, const Write& write, Moment moment) {
    Tables tables(connection, moment);
    RowObserver observer(connection.handle());
    TRY(apply_changes(tables, write));
    return Written{ .rows = TRY(name_events(tables, observer.take())) };
}

} // namespace respawn::database
