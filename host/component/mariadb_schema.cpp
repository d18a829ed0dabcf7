#include "component/mariadb_schema.h"

#include "base/text.h"
#include "crypto/crypto.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

namespace respawn::component {

using database::MariadbTables;

namespace {

using Row = MariadbTables::Texts;

std::string text(const Row& row, std::size_t column) {
    return column < row.size() && row[column] ? *row[column] : "";
}

std::uint64_t number(const Row& row, std::size_t column) {
    const auto digits = text(row, column);
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

bool is_whole_number(std::string_view type) {
    return is_one_of(type, { "tinyint", "smallint", "mediumint", "int", "bigint", "year" });
}

// Those whose order at the server is the order of the bytes that they are read as.
bool sorts_by_bytes(std::string_view type) {
    return is_whole_number(type) ||
           is_one_of(type, { "date", "datetime", "timestamp", "binary", "varbinary", "bit" });
}

// Given as bytes, they are taken for the 16 or 4 bytes inside and not for the text that was read.
bool takes_text_alone(std::string_view type) { return is_one_of(type, { "uuid", "inet6", "inet4" }); }

// ---- tables ----

Result<std::string> create_statement(MariadbTables& server, const std::string& what,
                                     const std::string& name, std::size_t column) {
    const auto found =
        TRY(server.rows(fmt::format("show create {} {}", what, MariadbTables::quoted(name))));
    if (found.empty() || column >= found[0].size() || !found[0][column])
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("the server does not show how {} {} is made", what,
                                         printable(name)),
                      .fix = "docs/databases.md has the GRANTs that a backup needs" };
    return *found[0][column];
}

struct IndexPart {
    std::string name, column;
    bool unique = false, whole = true;
};

using Indexes = std::map<std::string, std::vector<IndexPart>>; // by table, in their order
using Columns = std::map<std::string, std::vector<ServerColumn>>;

Result<Indexes> read_indexes(MariadbTables& server) {
    Indexes found;
    for (const auto& row : TRY(server.rows(
             "select table_name, index_name, column_name, non_unique, sub_part from "
             "information_schema.statistics where table_schema = database() order by table_name, "
             "index_name <> 'PRIMARY', index_name, seq_in_index")))
        found[text(row, 0)].push_back(
            { text(row, 1), text(row, 2), text(row, 3) == "0", !row[4].has_value() });
    return found;
}

Result<Columns> read_columns(MariadbTables& server) {
    Columns found;
    for (const auto& row : TRY(server.rows(
             "select table_name, column_name, data_type, character_set_name, column_type, is_nullable, "
             "extra from information_schema.columns where table_schema = database() order by "
             "table_name, ordinal_position"))) {
        const auto extra = text(row, 6);
        if (extra.find("GENERATED") != std::string::npos &&
            extra.find("DEFAULT_GENERATED") == extra.npos)
            continue;
        found[text(row, 0)].push_back(
            { .name = text(row, 1),
              .type = text(row, 2),
              .charset = text(row, 3),
              .is_unsigned = text(row, 4).find("unsigned") != std::string::npos,
              .nullable = text(row, 5) == "YES" });
    }
    return found;
}

// Nothing for one with a column that is not stored (an expression, a generated column).
std::optional<ServerKey> key_of(const ServerTable& table, const std::vector<IndexPart>& parts) {
    ServerKey key{ .name = parts.front().name };
    for (const auto& part : parts) {
        const auto at = std::ranges::find(table.columns, part.column, &ServerColumn::name);
        if (at == table.columns.end())
            return {};
        key.columns.push_back(static_cast<std::size_t>(at - table.columns.begin()));
    }
    return key;
}

void add_keys(ServerTable& table, const std::vector<IndexPart>& parts) {
    for (auto begin = parts.begin(); begin != parts.end();) {
        const auto end = std::find_if(begin, parts.end(),
                                      [&](const IndexPart& part) { return part.name != begin->name; });
        const auto key = begin->unique ? key_of(table, { begin, end }) : std::nullopt;
        begin = end;
        if (!key)
            continue;
        const bool names_rows = std::ranges::none_of(
            key->columns, [&](std::size_t column) { return table.columns[column].nullable; });
        if (names_rows && table.key.empty())
            table.key = key->columns;
        else
            table.unique.push_back(*key);
    }
    if (table.key.empty()) // rows without a name: nothing says where a value stands
        table.unique.clear();
}

// ---- objects ----

struct KindOfObject {
    std::string_view kind;                        // as the statement calls it
    std::string_view names;                       // a query: name and, of a trigger, its table
    std::size_t create, sql_mode, client_charset; // columns of SHOW CREATE; two collations follow
};

constexpr std::size_t none = SIZE_MAX;
constexpr KindOfObject kinds[] = {
    { "sequence",
      "select table_name from information_schema.tables where table_schema = database() and "
      "table_type = 'SEQUENCE' order by table_name",
      1, none, none },
    { "function",
      "select routine_name from information_schema.routines where routine_schema = database() and "
      "routine_type = 'FUNCTION' order by routine_name",
      2, 1, 3 },
    { "procedure",
      "select routine_name from information_schema.routines where routine_schema = database() and "
      "routine_type = 'PROCEDURE' order by routine_name",
      2, 1, 3 },
    { "package",
      "select routine_name from information_schema.routines where routine_schema = database() and "
      "routine_type = 'PACKAGE' order by routine_name",
      2, 1, 3 },
    { "package body",
      "select routine_name from information_schema.routines where routine_schema = database() and "
      "routine_type = 'PACKAGE BODY' order by routine_name",
      2, 1, 3 },
    { "view",
      "select table_name from information_schema.views where table_schema = database() order by "
      "table_name",
      1, none, 2 },
    { "trigger",
      "select trigger_name, event_object_table from information_schema.triggers where trigger_schema = "
      "database() order by event_object_table, action_timing, event_manipulation, action_order",
      2, 1, 3 },
    { "event",
      "select event_name from information_schema.events where event_schema = database() order by "
      "event_name",
      3, 1, 4 },
};

Result<ServerObject> read_object(MariadbTables& server, const KindOfObject& kind, const Row& named) {
    ServerObject object{ .kind = std::string(kind.kind),
                         .name = text(named, 0),
                         .table = text(named, 1) };
    object.create = TRY(create_statement(server, object.kind, object.name, kind.create));
    const auto shown = TRY(
        server.rows(fmt::format("show create {} {}", kind.kind, MariadbTables::quoted(object.name))));
    const auto& row = shown.at(0);
    if (kind.sql_mode != none)
        object.sql_mode = text(row, kind.sql_mode);
    if (kind.client_charset != none) {
        object.client_charset = text(row, kind.client_charset);
        object.connection_collation = text(row, kind.client_charset + 1);
        object.database_collation = text(row, kind.client_charset + 2);
    }
    if (kind.kind == "event")
        object.time_zone = text(row, 2);
    if (kind.kind == "sequence")
        object.value = TRY(server.value(fmt::format("select next_not_cached_value from {}",
                                                    MariadbTables::quoted(object.name))))
                           .value_or("");
    return object;
}

// A view behind those that it names, so that one after the other can be made.
void order_views(std::vector<ServerObject>& objects) {
    std::vector<ServerObject> views;
    const auto first = std::ranges::find(objects, "view", &ServerObject::kind);
    const auto end = std::find_if(first, objects.end(),
                                  [](const ServerObject& object) { return object.kind != "view"; });
    views.assign(std::move_iterator(first), std::move_iterator(end));
    for (auto place = first; place != end; ++place) {
        const auto ready = std::ranges::find_if(views, [&](const ServerObject& view) {
            return std::ranges::none_of(views, [&](const ServerObject& other) {
                return other.name != view.name &&
                       view.create.find(MariadbTables::quoted(other.name)) != std::string::npos;
            });
        });
        const auto next = ready == views.end() ? views.begin() : ready;
        *place = std::move(*next);
        views.erase(next);
    }
}

// ---- values ----

Value places(const std::vector<std::size_t>& columns) {
    Value::List list;
    for (const auto column : columns)
        list.emplace_back(static_cast<std::int64_t>(column));
    return list;
}

Error no_definition() {
    return { .kind = Kind::corrupt, .why = "the definition of a table is damaged" };
}

Result<std::vector<std::size_t>> places_from(const Value& value, std::size_t columns) {
    std::vector<std::size_t> found;
    const auto* list = value.list();
    for (const auto& one : list ? *list : Value::List{}) {
        if (!one.integer() || *one.integer() < 0 || static_cast<std::size_t>(*one.integer()) >= columns)
            return no_definition();
        found.push_back(static_cast<std::size_t>(*one.integer()));
    }
    return found;
}

} // namespace

std::string ServerTable::selected() const {
    std::vector<std::string> terms;
    for (const auto& column : columns) {
        const auto quoted = MariadbTables::quoted(column.name);
        terms.push_back(column.type == "float" ? fmt::format("cast({} as double)", quoted) : quoted);
    }
    return join(terms, ", ");
}

bool ServerTable::keeps_rows() const {
    return !is_one_of(engine, { "MRG_MyISAM", "MRG_MYISAM", "MERGE", "FEDERATED", "CONNECT", "SPIDER",
                                "S3", "SPHINX" });
}

std::string ServerTable::insert() const {
    std::vector<std::string> names, values;
    for (const auto& column : columns) {
        names.push_back(MariadbTables::quoted(column.name));
        values.push_back(takes_text_alone(column.type) ? "convert(? using latin1)" : "?");
    }
    return fmt::format("insert into {} ({}) values ({})", MariadbTables::quoted(name),
                       join(names, ", "), join(values, ", "));
}

bool ServerTable::sorted_by_key() const {
    return std::ranges::all_of(
        key, [&](std::size_t column) { return sorts_by_bytes(columns[column].type); });
}

std::string ServerTable::order() const {
    std::vector<std::string> terms;
    for (const auto column : key)
        terms.push_back(MariadbTables::quoted(columns[column].name));
    return terms.empty() || !sorted_by_key() ? "" : " order by " + join(terms, ", ");
}

std::string ServerTable::form() const {
    auto value = this->value();
    for (const auto* own : { "create", "engine", "transactional" })
        value.map()->erase(own); // an index or AUTO_INCREMENT changes no row
    return crypto::sha256(encode(value)).substr(0, 16);
}

Value ServerTable::value() const {
    Value::List all, further;
    for (const auto& column : columns)
        all.push_back(Value::Map{ { "name", column.name },
                                  { "type", column.type },
                                  { "charset", column.charset },
                                  { "unsigned", column.is_unsigned },
                                  { "nullable", column.nullable } });
    for (const auto& one : unique)
        further.push_back(Value::Map{ { "name", one.name }, { "columns", places(one.columns) } });
    return Value::Map{ { "name", name },
                       { "engine", engine },
                       { "create", create },
                       { "columns", std::move(all) },
                       { "key", places(key) },
                       { "unique", std::move(further) },
                       { "transactional", transactional } };
}

Result<ServerTable> ServerTable::from(const Value& value) {
    ServerTable table{ .name = value.text_at("name"),
                       .engine = value.text_at("engine"),
                       .create = value.text_at("create") };
    const auto* columns = value.at("columns").list();
    if (!columns || columns->empty() || table.name.empty())
        return no_definition();
    for (const auto& column : *columns)
        table.columns.push_back({ .name = column.text_at("name"),
                                  .type = column.text_at("type"),
                                  .charset = column.text_at("charset"),
                                  .is_unsigned = column.at("unsigned") == Value(true),
                                  .nullable = column.at("nullable") == Value(true) });
    table.key = TRY(places_from(value.at("key"), columns->size()));
    const auto* unique = value.at("unique").list();
    for (const auto& one : unique ? *unique : Value::List{})
        table.unique.push_back(
            { one.text_at("name"), TRY(places_from(one.at("columns"), columns->size())) });
    table.transactional = value.at("transactional") == Value(true);
    return table;
}

Value ServerSchema::value() const {
    Value::List all;
    for (const auto& one : objects)
        all.push_back(Value::Map{ { "kind", one.kind },
                                  { "name", one.name },
                                  { "create", one.create },
                                  { "sql_mode", one.sql_mode },
                                  { "client_charset", one.client_charset },
                                  { "connection_collation", one.connection_collation },
                                  { "database_collation", one.database_collation },
                                  { "time_zone", one.time_zone },
                                  { "value", one.value },
                                  { "table", one.table } });
    return Value::Map{ { "server", server },
                       { "database", database },
                       { "charset", charset },
                       { "collation", collation },
                       { "objects", std::move(all) } };
}

Result<ServerSchema> ServerSchema::from(const Value& value) {
    ServerSchema schema{ .server = value.text_at("server"),
                         .database = value.text_at("database"),
                         .charset = value.text_at("charset"),
                         .collation = value.text_at("collation") };
    const auto* objects = value.at("objects").list();
    if (!objects || schema.charset.empty())
        return Error{ .kind = Kind::corrupt, .why = "the definition of the database is damaged" };
    for (const auto& one : *objects)
        schema.objects.push_back({ .kind = one.text_at("kind"),
                                   .name = one.text_at("name"),
                                   .create = one.text_at("create"),
                                   .sql_mode = one.text_at("sql_mode"),
                                   .client_charset = one.text_at("client_charset"),
                                   .connection_collation = one.text_at("connection_collation"),
                                   .database_collation = one.text_at("database_collation"),
                                   .time_zone = one.text_at("time_zone"),
                                   .value = one.text_at("value"),
                                   .table = one.text_at("table") });
    return schema;
}

Result<std::vector<ServerTable>> read_tables(MariadbTables& server) {
    const auto indexes = TRY(read_indexes(server));
    auto columns = TRY(read_columns(server));
    std::vector<ServerTable> tables;
    for (const auto& row : TRY(server.rows(
             "select t.table_name, t.engine, e.transactions, t.data_length from "
             "information_schema.tables t left join information_schema.engines e on e.engine = "
             "t.engine "
             "where t.table_schema = database() and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED') "
             "order by t.table_name"))) {
        ServerTable table{ .name = text(row, 0), .engine = text(row, 1) };
        table.transactional = text(row, 2) == "YES";
        table.rough_bytes = number(row, 3);
        table.create = TRY(create_statement(server, "table", table.name, 1));
        table.columns = std::move(columns[table.name]);
        if (const auto found = indexes.find(table.name); found != indexes.end())
            add_keys(table, found->second);
        tables.push_back(std::move(table));
    }
    return tables;
}

Result<ServerSchema> read_schema(MariadbTables& server) {
    const auto about = TRY(server.rows("select database(), default_character_set_name, "
                                       "default_collation_name from information_schema.schemata where "
                                       "schema_name = database()"));
    if (about.empty())
        return Error{ .kind = Kind::missing, .why = "the server does not show the database" };
    ServerSchema schema{ .server = server.version(),
                         .database = text(about[0], 0),
                         .charset = text(about[0], 1),
                         .collation = text(about[0], 2) };
    for (const auto& kind : kinds)
        for (const auto& named : TRY(server.rows(kind.names)))
            schema.objects.push_back(TRY(read_object(server, kind, named)));
    order_views(schema.objects);
    return schema;
}

void order_objects(std::vector<ServerObject>& objects) {
    std::ranges::stable_sort(objects, {}, [](const ServerObject& object) {
        return std::ranges::find(kinds, object.kind, &KindOfObject::kind) - std::begin(kinds);
    });
    order_views(objects);
}

} // namespace respawn::component
