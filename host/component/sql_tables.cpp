#include "component/sql_tables.h"

#include "base/text.h"
#include "database/decimal_functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <span>
#include <sqlite3.h>

namespace respawn::component {

namespace {

constexpr const char* module_name = "snapshot_table";

struct Table {
    sqlite3_vtab base; // first: SQLite knows this part
    SqlTables* tables = nullptr;
    std::size_t which = 0;
    const TableShape& shape() const { return tables->all[which]->shape; }
    Holds holds(const std::string& column) const {
        const auto found = shape().holds.find(column);
        return found == shape().holds.end() ? Holds::anything : found->second;
    }
};

// How a scan goes: so many first columns of the key are given, then perhaps bounds of the next one; or
// all of a further unique key, counted from 1. As the number that SQLite hands from planning to
// scanning.
struct Plan {
    int equal = 0;
    bool lower = false, upper = false;
    int unique = 0;
    int number() const { return equal | (lower ? 1 << 16 : 0) | (upper ? 1 << 17 : 0) | unique << 18; }
    static Plan from(int number) {
        return { number & 0xffff, (number & 1 << 16) != 0, (number & 1 << 17) != 0, number >> 18 };
    }
};
constexpr std::size_t most_found_by_unique = 1 << 12;

struct SqlCursor {
    sqlite3_vtab_cursor base;
    std::unique_ptr<RowStream> stream; // none: the rows are all there
    std::vector<Value::Map> rows;
    std::size_t at = 0;
    sqlite3_int64 number = 0;
    Value::Map equal; // beyond these values there is nothing more
    std::string bounded;
    Value upper;
    bool ended = true;
};

Table& table_of(sqlite3_vtab* base) { return *reinterpret_cast<Table*>(base); }
SqlCursor& cursor_of(sqlite3_vtab_cursor* base) { return *reinterpret_cast<SqlCursor*>(base); }

int failed(const Table& table, Error error) {
    table.tables->fault = std::move(error);
    return SQLITE_ERROR;
}

// ---- what SQLite is told of a table ----

std::string_view declared(Holds holds) {
    switch (holds) {
    case Holds::whole:
        return "INTEGER";
    case Holds::real:
        return "REAL";
    case Holds::exact:
    case Holds::large:
        return "TEXT COLLATE decimal";
    case Holds::text:
        return "TEXT";
    case Holds::bytes:
        return "BLOB";
    default:
        return "";
    }
}

int connect(sqlite3* handle, void* shared, int count, const char* const* words, sqlite3_vtab** made,
            char**) {
    auto* tables = static_cast<SqlTables*>(shared);
    std::size_t which = 0;
    const std::string_view word = count > 3 ? words[3] : "";
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), which);
    if (fault != std::errc() || end != word.data() + word.size() || which >= tables->all.size())
        return SQLITE_ERROR;
    auto table = std::make_unique<Table>(Table{ .base = {}, .tables = tables, .which = which });
    std::vector<std::string> columns;
    for (const auto& column : table->shape().columns)
        columns.push_back(
            fmt::format("{} {}", database::quoted_name(column), declared(table->holds(column))));
    const auto sql = fmt::format("CREATE TABLE t({})", join(columns, ", "));
    if (const int code = sqlite3_declare_vtab(handle, sql.c_str()); code != SQLITE_OK)
        return code;
    *made = &table.release()->base;
    return SQLITE_OK;
}

// Another function than connect: the module alone is no table.
int create(sqlite3* handle, void* shared, int count, const char* const* words, sqlite3_vtab** made,
           char** why) {
    return connect(handle, shared, count, words, made, why);
}

int disconnect(sqlite3_vtab* base) {
    delete &table_of(base);
    return SQLITE_OK;
}

// ---- planning ----

constexpr double guessed_rows = 1e6;

// The constraint of this kind on a column, compared by its own collation; -1 when there is none.
int find_constraint(sqlite3_index_info* info, const Table& table, const std::string& column,
                    std::initializer_list<int> operators) {
    const auto& columns = table.shape().columns;
    const auto position = std::ranges::find(columns, column) - columns.begin();
    const auto holds = table.holds(column);
    const char* own = holds == Holds::exact || holds == Holds::large ? "decimal" : "BINARY";
    for (int i = 0; i < info->nConstraint; ++i) {
        const auto& one = info->aConstraint[i];
        if (one.usable && one.iColumn == position &&
            std::ranges::find(operators, one.op) != operators.end() &&
            sqlite3_stricmp(sqlite3_vtab_collation(info, i), own) == 0)
            return i;
    }
    return -1;
}

bool has_own_order(const TableShape& shape, const std::string& column) {
    return std::ranges::find(shape.own_order, column) != shape.own_order.end();
}

// The rows come in the order of the key's bytes: SQLite's own, but for numbers kept as texts.
bool is_in_order(const Table& table, const sqlite3_index_info* info) {
    const auto& shape = table.shape();
    if (info->nOrderBy == 0 || static_cast<std::size_t>(info->nOrderBy) > shape.key.size())
        return false;
    for (int i = 0; i < info->nOrderBy; ++i) {
        const auto& key = shape.key[static_cast<std::size_t>(i)];
        const auto holds = table.holds(key);
        const auto& term = info->aOrderBy[i];
        if (term.desc || term.iColumn < 0 || has_own_order(shape, key) || holds == Holds::exact ||
            holds == Holds::large || shape.columns[static_cast<std::size_t>(term.iColumn)] != key)
            return false;
    }
    return true;
}

// The constraints that give each of these columns one value; fewer where one has none.
std::vector<int> equal_constraints(sqlite3_index_info* info, const Table& table,
                                   const std::vector<std::string>& columns) {
    std::vector<int> found;
    for (const auto& column : columns) {
        const int one = find_constraint(info, table, column, { SQLITE_INDEX_CONSTRAINT_EQ });
        if (one < 0)
            break;
        found.push_back(one);
    }
    return found;
}

// The first unique key whose columns all have a value, counted from 1; 0 when there is none.
int find_unique(sqlite3_index_info* info, const Table& table, std::vector<int>& constraints) {
    const auto& unique = table.shape().unique;
    for (std::size_t i = 0; i < std::min(unique.size(), most_found_by_unique); ++i)
        if (auto found = equal_constraints(info, table, unique[i]); found.size() == unique[i].size()) {
            constraints = std::move(found);
            return static_cast<int>(i) + 1;
        }
    return 0;
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
    const auto& table = table_of(base);
    const auto& key = table.shape().key;
    Plan plan;
    int arguments = 0;
    double rows = guessed_rows;
    const auto use = [&](int constraint, double share) {
        if (constraint < 0)
            return false;
        info->aConstraintUsage[constraint].argvIndex = ++arguments;
        rows *= share;
        return true;
    };
    auto equal = equal_constraints(info, table, key);
    bool one_row = !key.empty() && equal.size() == key.size();
    if (!one_row)
        plan.unique = find_unique(info, table, equal);
    one_row = one_row || plan.unique > 0;
    plan.equal = static_cast<int>(equal.size());
    for (const int constraint : equal)
        use(constraint, 0.01);
    if (!one_row && !key.empty() && !has_own_order(table.shape(), key[equal.size()])) {
        const auto& next = key[equal.size()];
        plan.lower = use(find_constraint(info, table, next,
                                         { SQLITE_INDEX_CONSTRAINT_GT, SQLITE_INDEX_CONSTRAINT_GE }),
                         0.3);
        plan.upper = use(find_constraint(info, table, next,
                                         { SQLITE_INDEX_CONSTRAINT_LT, SQLITE_INDEX_CONSTRAINT_LE }),
                         0.3);
    }
    info->idxNum = plan.number();
    info->idxStr = sqlite3_mprintf("%llu", info->colUsed);
    info->needToFreeIdxStr = 1;
    if (!info->idxStr)
        return SQLITE_NOMEM;
    info->idxFlags = one_row ? SQLITE_INDEX_SCAN_UNIQUE : 0;
    info->estimatedRows = one_row ? 1 : static_cast<sqlite3_int64>(rows) + 1;
    info->estimatedCost = one_row ? 20 : rows + 100;
    info->orderByConsumed = is_in_order(table, info) ? 1 : 0;
    return SQLITE_OK;
}

// ---- scanning ----

std::string text_of(sqlite3_value* value) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return { text ? text : "", text ? static_cast<std::size_t>(sqlite3_value_bytes(value)) : 0 };
}

std::optional<std::int64_t> whole_in(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool fits = fault == std::errc() && end == text.data() + text.size();
    return fits ? std::optional(number) : std::nullopt;
}

// A value of SQL as the column's cells are; nothing when that would find other rows than SQLite means.
std::optional<Value> as_cell(sqlite3_value* value, Holds holds) {
    const int type = sqlite3_value_type(value);
    const bool is_number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    switch (holds) {
    case Holds::whole:
    case Holds::large:
        if (type == SQLITE_INTEGER)
            return Value(std::int64_t{ sqlite3_value_int64(value) });
        if (const auto number = type == SQLITE_TEXT ? whole_in(text_of(value)) : std::nullopt)
            return *number;
        return std::nullopt;
    case Holds::real:
        return is_number && std::abs(sqlite3_value_double(value)) < 9e15
                   ? std::optional<Value>(sqlite3_value_double(value))
                   : std::nullopt;
    case Holds::text:
        return type == SQLITE_TEXT || type == SQLITE_INTEGER ? std::optional<Value>(text_of(value))
                                                             : std::nullopt;
    case Holds::bytes:
    case Holds::anything:
        if (type == SQLITE_BLOB) {
            const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
            const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
            return Value(Blob{ std::string(bytes ? bytes : "", size) });
        }
        if (holds == Holds::bytes)
            return std::nullopt;
        return type == SQLITE_INTEGER ? Value(std::int64_t{ sqlite3_value_int64(value) })
               : type == SQLITE_FLOAT ? Value(sqlite3_value_double(value))
                                      : Value(text_of(value));
    default:
        return std::nullopt;
    }
}

bool is_beyond(const SqlCursor& cursor, const TableShape& shape, const Value::Map& row) {
    for (const auto& column : shape.key) {
        const auto found = cursor.equal.find(column);
        if (found == cursor.equal.end())
            break;
        if (compare_values(row.at(column), found->second) > 0)
            return true;
        if (compare_values(row.at(column), found->second) < 0)
            return false;
    }
    return !cursor.bounded.empty() && compare_values(row.at(cursor.bounded), cursor.upper) > 0;
}

int settle(const Table& table, SqlCursor& cursor) {
    while (cursor.stream && cursor.at == cursor.rows.size()) {
        auto rows = cursor.stream->next();
        if (!rows.ok())
            return failed(table, rows.error());
        cursor.rows = std::move(rows).value();
        cursor.at = 0;
        if (cursor.rows.empty())
            cursor.stream.reset();
    }
    cursor.ended = cursor.at == cursor.rows.size() ||
                   (cursor.stream && is_beyond(cursor, table.shape(), cursor.rows[cursor.at]));
    return SQLITE_OK;
}

// The values that the plan asked for, from the first on that can be looked up.
void take_values(const Table& table, SqlCursor& cursor, Plan plan, std::span<sqlite3_value*> values,
                 Value::Map& start) {
    const auto& key = table.shape().key;
    const auto equal = static_cast<std::size_t>(plan.equal);
    for (std::size_t i = 0; i < equal; ++i) {
        auto cell = as_cell(values[i], table.holds(key[i]));
        if (!cell)
            return;
        start.emplace(key[i], std::move(*cell));
        cursor.equal = start;
    }
    if (plan.lower)
        if (auto cell = as_cell(values[equal], table.holds(key[equal])))
            start.emplace(key[equal], std::move(*cell));
    if (plan.upper)
        if (auto cell = as_cell(values.back(), table.holds(key[equal]))) {
            cursor.bounded = key[equal];
            cursor.upper = std::move(*cell);
        }
}

int found_rows(const Table& table, SqlCursor& cursor, Result<std::vector<Value::Map>> found) {
    if (!found.ok())
        return failed(table, found.error());
    cursor.rows = std::move(found).value();
    return settle(table, cursor);
}

// False when one of them is no value that the column can be looked up by.
bool take_unique(const Table& table, int unique, std::span<sqlite3_value*> values, Value::Map& start) {
    const auto& columns = table.shape().unique[static_cast<std::size_t>(unique) - 1];
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (auto cell = as_cell(values[i], table.holds(columns[i])))
            start.emplace(columns[i], std::move(*cell));
    return start.size() == columns.size();
}

// A find may take texts for equal that differ by case, and read all rows for one that it has not: SQL
// means the bytes.
bool is_found_whole(const TableShape& shape, const Table& table, Plan plan, const Value::Map& start) {
    return !shape.key.empty() && static_cast<std::size_t>(plan.equal) == shape.key.size() &&
           start.size() == shape.key.size() && std::ranges::none_of(shape.key, [&](const auto& column) {
               return table.holds(column) == Holds::text;
           });
}

// What the statement reads, as SQLite told when it planned: a bit a column, the last one for all
// further ones; and the key, by which scans end.
std::vector<std::string> read_columns(const TableShape& shape, std::string_view told) {
    sqlite3_uint64 used = 0;
    std::from_chars(told.data(), told.data() + told.size(), used);
    std::vector<std::string> columns = shape.key;
    for (std::size_t i = 0; i < shape.columns.size(); ++i)
        if ((used >> std::min<std::size_t>(i, 63) & 1) != 0)
            columns.push_back(shape.columns[i]);
    return columns;
}

int filter(sqlite3_vtab_cursor* base, int number, const char* used, int count, sqlite3_value** values) {
    const auto& table = table_of(base->pVtab);
    auto& cursor = cursor_of(base);
    const auto own = cursor.base;
    cursor = SqlCursor{ .base = own };
    Value::Map start;
    const auto plan = Plan::from(number);
    const std::span given{ values, static_cast<std::size_t>(count) };
    if (std::ranges::any_of(given, [](auto* one) { return sqlite3_value_type(one) == SQLITE_NULL; }))
        return SQLITE_OK; // no row has it
    auto opened = table.tables->table(table.which);
    if (!opened.ok())
        return failed(table, opened.error());
    const bool by_unique = plan.unique > 0 && take_unique(table, plan.unique, given, start);
    if (plan.unique == 0)
        take_values(table, cursor, plan, given, start);
    if (by_unique || is_found_whole(table.shape(), table, plan, start))
        return found_rows(table, cursor, opened.value()->find(start));
    auto stream = opened.value()->rows_from(plan.unique > 0 ? Value::Map() : start);
    if (!stream.ok())
        return failed(table, stream.error());
    cursor.stream = std::move(stream).value();
    if (used)
        cursor.stream->take_only(read_columns(table.shape(), used));
    return settle(table, cursor);
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** made) {
    *made = &(new SqlCursor{})->base;
    return SQLITE_OK;
}
int close_cursor(sqlite3_vtab_cursor* base) {
    delete &cursor_of(base);
    return SQLITE_OK;
}
int next_row(sqlite3_vtab_cursor* base) {
    auto& cursor = cursor_of(base);
    ++cursor.at;
    ++cursor.number;
    return settle(table_of(base->pVtab), cursor);
}
int at_end(sqlite3_vtab_cursor* base) { return cursor_of(base).ended ? 1 : 0; }
int row_number(sqlite3_vtab_cursor* base, sqlite3_int64* number) {
    *number = cursor_of(base).number;
    return SQLITE_OK;
}

void give(sqlite3_context* context, const Value& cell, Holds holds) {
    const bool as_text = holds == Holds::exact || holds == Holds::large;
    const auto give_text = [&](const std::string& text) {
        sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    };
    if (const auto* number = cell.integer())
        return as_text ? give_text(std::to_string(*number)) : sqlite3_result_int64(context, *number);
    if (const auto* real = cell.real())
        return sqlite3_result_double(context, *real);
    if (const auto* truth = cell.boolean())
        return sqlite3_result_int(context, *truth ? 1 : 0);
    if (const auto* text = cell.text())
        return give_text(*text);
    if (const auto* blob = cell.blob())
        return sqlite3_result_blob64(context, blob->bytes.data(), blob->bytes.size(), SQLITE_TRANSIENT);
    sqlite3_result_null(context);
}

int give_column(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
    const auto& table = table_of(base->pVtab);
    const auto& cursor = cursor_of(base);
    const auto& name = table.shape().columns[static_cast<std::size_t>(column)];
    const auto& row = cursor.rows[cursor.at];
    if (const auto cell = row.find(name); cell != row.end())
        give(context, cell->second, table.holds(name));
    return SQLITE_OK;
}

// Without it SQLite would not ask the authorizer, which says it better.
int refuse_write(sqlite3_vtab*, int, sqlite3_value**, sqlite3_int64*) { return SQLITE_READONLY; }

constexpr sqlite3_module module = {
    .iVersion = 0,
    .xCreate = create,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = at_end,
    .xColumn = give_column,
    .xRowid = row_number,
    .xUpdate = refuse_write,
};

} // namespace

Result<SnapshotTable*> SqlTables::table(std::size_t which) {
    if (!opened[which])
        opened[which] = TRY(all[which]->open());
    return opened[which].get();
}

Result<void> connect_tables(SqlTables& tables) {
    tables.connection = TRY(database::SqliteConnection::open_in_memory("the backup"));
    auto& connection = *tables.connection;
    TRY(database::add_decimal_functions(connection));
    if (sqlite3_create_module_v2(connection.handle(), module_name, &module, &tables, nullptr) !=
        SQLITE_OK)
        return connection.last_error();
    for (const auto& schema : tables.schemas) {
        if (!schema.name.empty())
            TRY(connection.run(fmt::format("ATTACH ':memory:' AS {}", schema.name)));
        for (const auto& source : schema.tables) {
            tables.all.push_back(&source);
            TRY(connection.run(fmt::format(
                "CREATE VIRTUAL TABLE {}.{} USING {}({})", schema.name.empty() ? "main" : schema.name,
                database::quoted_name(source.shape.name), module_name, tables.all.size() - 1)));
        }
    }
    tables.opened.resize(tables.all.size());
    return {};
}

} // namespace respawn::component
