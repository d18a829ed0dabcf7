#include "database/mariadb_changes.h"

#include "base/text.h"
#include "database/mariadb_rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::database {

namespace {

// A table that a trigger names is compared whole up to so many rows; of a larger one that the server
// numbers, the new rows are told.
constexpr std::int64_t most_compared = 10'000;

std::string text_of(const Value::Map& row, std::string_view column) {
    const auto found = row.find(column);
    if (found == row.end())
        return {};
    if (const auto* blob = found->second.blob())
        return blob->bytes;
    return found->second.text() ? *found->second.text() : "";
}

std::string lower(std::string text) {
    for (auto& c : text)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

constexpr std::pair<std::string_view, Form> forms[] = {
    { "tinyint", Form::whole },   { "smallint", Form::whole },   { "mediumint", Form::whole },
    { "int", Form::whole },       { "bigint", Form::whole },     { "year", Form::whole },
    { "decimal", Form::exact },   { "float", Form::real },       { "double", Form::real },
    { "bit", Form::bits },        { "date", Form::day },         { "time", Form::clock },
    { "datetime", Form::moment }, { "timestamp", Form::moment }, { "char", Form::text },
    { "varchar", Form::text },    { "tinytext", Form::text },    { "text", Form::text },
    { "mediumtext", Form::text }, { "longtext", Form::text },    { "enum", Form::text },
    { "set", Form::text },        { "json", Form::text },        { "uuid", Form::text },
    { "binary", Form::bytes },    { "varbinary", Form::bytes },  { "tinyblob", Form::bytes },
    { "blob", Form::bytes },      { "mediumblob", Form::bytes }, { "longblob", Form::bytes },
};

Form form_of(std::string_view type) {
    for (const auto& [name, form] : forms)
        if (name == type)
            return form;
    return type.ends_with("geometry") || type.ends_with("point") || type.ends_with("polygon") ||
                   type.ends_with("string") || type.ends_with("collection")
               ? Form::bytes
               : Form::text;
}

// The number's bytes, highest first: what a BIT column takes.
Result<Value> as_bits(const Table& table, const std::string& column, const Value& value) {
    std::uint64_t number = 0;
    const auto digits = value.text() ? *value.text() : std::to_string(*value.integer());
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (fault != std::errc() || end != digits.data() + digits.size())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{}.{} cannot be {}", printable(table.name), printable(column),
                                         to_text(value)),
                      .fix = "bits are a whole number, 0 or more" };
    Blob bytes;
    for (int shift = 56; shift >= 0; shift -= 8)
        if (const auto byte = static_cast<char>(number >> shift & 0xff);
            byte != 0 || !bytes.bytes.empty())
            bytes.bytes += byte;
    return Value(bytes.bytes.empty() ? Blob{ std::string(1, '\0') } : bytes);
}

Result<void> must_roll_back(Session& session, const std::string& name, const Value::Map& about) {
    if (text_of(about, "kind") != "BASE TABLE" && text_of(about, "kind") != "SYSTEM VERSIONED")
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("{} is no table but a {}", printable(name),
                                         lower(text_of(about, "kind"))),
                      .fix = "change the tables under it" };
    const auto engine = text_of(about, "engine");
    const auto undoes = TRY(session.value(
        "select transactions from information_schema.engines where engine = ?", { engine }));
    if (undoes == Value("YES"))
        return {};
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("table {} is kept by {}, which takes nothing back",
                                     printable(name), engine),
                  .fix = fmt::format("ALTER TABLE {} ENGINE=InnoDB", session.quoted(name)) };
}

// The primary key, else the first unique one without nulls.
Result<std::vector<std::string>> key_columns(Session& session, const std::string& name) {
    std::map<std::string, std::vector<std::string>> keys;
    std::set<std::string> with_nulls;
    for (const auto& row : TRY(session.rows(
             "select index_name as name, column_name as part, nullable as nulls, sub_part as prefix "
             "from "
             "information_schema.statistics where table_schema = database() and binary table_name = ? "
             "and non_unique = 0 order by index_name, seq_in_index",
             { name }))) {
        keys[text_of(row, "name")].push_back(text_of(row, "part"));
        if (text_of(row, "nulls") == "YES" || !row.at("prefix").is_null())
            with_nulls.insert(text_of(row, "name"));
    }
    if (const auto primary = keys.find("PRIMARY"); primary != keys.end())
        return primary->second;
    for (const auto& [index, columns] : keys)
        if (!with_nulls.contains(index))
            return columns;
    return std::vector<std::string>();
}

void add_column(ServerTable& table, const Value::Map& column) {
    const auto name = text_of(column, "name");
    const auto extra = lower(text_of(column, "extra"));
    table.columns.push_back(name);
    table.types[name] = text_of(column, "type");
    table.forms[name] = form_of(lower(text_of(column, "kind")));
    if (const auto* digits = column.at("fraction").integer())
        table.fractions[name] = static_cast<int>(*digits);
    if (extra.find("generated") == std::string::npos || extra.find("default_generated") == 0)
        table.stored_columns.push_back(name);
    const bool numbered = extra.find("auto_increment") != std::string::npos;
    if (numbered)
        table.numbered = name;
    // uuid(), nextval(…): whatever is computed anew for each row.
    if (numbered || text_of(column, "otherwise").find('(') != std::string::npos)
        table.made.push_back(name);
}

} // namespace

// ---- tables and values ----

Result<ServerTable> MariadbChanges::read_table(const std::string& name) {
    ServerTable table;
    table.name = name;
    const auto about = TRY(session().rows("select table_type as kind, engine as engine from "
                                          "information_schema.tables where table_schema = database() "
                                          "and binary table_name = ?",
                                          { name }));
    if (about.empty()) {
        std::vector<std::string> names;
        for (const auto& row : TRY(session().rows("select table_name as name from "
                                                  "information_schema.tables where table_schema = "
                                                  "database()")))
            names.push_back(text_of(row, "name"));
        return no_such_table(name, names);
    }
    TRY(must_roll_back(session(), name, about[0]));
    for (const auto& column : TRY(session().rows(
             "select column_name as name, data_type as kind, column_type as type, extra as extra, "
             "datetime_precision as fraction, column_default as otherwise from "
             "information_schema.columns where table_schema = "
             "database() and binary table_name = ? order by ordinal_position",
             { name })))
        add_column(table, column);
    table.key_columns = TRY(key_columns(session(), name));
    if (table.key_columns != std::vector<std::string>{ table.numbered })
        table.numbered.clear();
    return table;
}

Result<Value> MariadbChanges::fit(const Table& table, const std::string& column, const Value& value) {
    auto fitted = TRY(ServerChanges::fit(table, column, value));
    const bool bits = static_cast<const ServerTable&>(table).forms.at(column) == Form::bits;
    if (bits && fitted.boolean())
        fitted = Value(*fitted.boolean() ? 1 : 0);
    return bits && !fitted.is_null() ? as_bits(table, column, fitted)
                                     : Result<Value>(std::move(fitted));
}

Result<void> MariadbChanges::run(const Table& table, const std::string& sql,
                                 const std::vector<Value>& parameters) {
    TRY(ChangeTarget::run(table, sql, parameters));
    const auto cut = TRY(connection_.cut_value());
    if (cut.empty())
        return {};
    return Error{ .kind = Kind::script,
                  .why = fmt::format("table {} would not take a value whole: {}", printable(table.name),
                                     printable(cut)),
                  .fix = "give a value that the column can hold whole" };
}

// MySQL has no RETURNING: the row is found by the number that it was given, or by the key that was set.
Result<Value::Map> MariadbChanges::insert_row(const ServerTable& table, const std::string& sql,
                                              const std::vector<Value>& parameters) {
    if (connection_.is_mariadb()) {
        auto row = TRY(ServerChanges::insert_row(table, sql, parameters));
        const auto cut = TRY(connection_.cut_value());
        if (!cut.empty())
            return Error{ .kind = Kind::script,
                          .why = fmt::format("table {} would not take a value whole: {}",
                                             printable(table.name), printable(cut)),
                          .fix = "give a value that the column can hold whole" };
        return row;
    }
    TRY(run(table, sql, parameters));
    if (table.numbered.empty())
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("MySQL does not tell which row of {} was inserted",
                                         printable(table.name)),
                      .fix = "rows can be inserted into tables with an AUTO_INCREMENT key" };
    auto rows = TRY(session().rows("select " + column_list(session(), table.stored_columns) + " from " +
                                   session().quoted(table.name) + " where " +
                                   session().quoted(table.numbered) + " = last_insert_id()"));
    if (rows.size() == 1)
        return std::move(rows[0]);
    return Error{ .kind = Kind::conflict, .why = "the inserted row is not there" };
}

// ---- cascades ----

Result<void> MariadbChanges::read_children() {
    if (children_)
        return {};
    children_.emplace();
    std::map<std::string, std::pair<std::string, std::size_t>> places;
    for (
        const auto& row : TRY(session().rows(
            "select k.constraint_schema as home, k.constraint_name as name, k.table_name as child, "
            "k.column_name as part, k.referenced_table_name as parent, k.referenced_column_name as "
            "parent_part, r.update_rule as on_update, r.delete_rule as on_delete, "
            "k.table_schema = database() as here from information_schema.key_column_usage k join "
            "information_schema.referential_constraints r on r.constraint_schema = k.constraint_schema "
            "and r.constraint_name = k.constraint_name and r.table_name = k.table_name where "
            "k.referenced_table_schema = database() order by home, child, name, k.ordinal_position"))) {
        const auto id =
            text_of(row, "home") + '\0' + text_of(row, "child") + '\0' + text_of(row, "name");
        auto& children = (*children_)[text_of(row, "parent")];
        if (!places.contains(id)) {
            places[id] = { text_of(row, "parent"), children.size() };
            children.push_back({ .table = row.at("here") == Value(1) ? text_of(row, "child") : "",
                                 .on_update = text_of(row, "on_update"),
                                 .on_delete = text_of(row, "on_delete"),
                                 .columns = {},
                                 .parent_columns = {} });
        }
        children[places[id].second].columns.push_back(text_of(row, "part"));
        children[places[id].second].parent_columns.push_back(text_of(row, "parent_part"));
    }
    return {};
}

Result<void> MariadbChanges::expect_effects(const ServerTable& table, const Value::Map& row,
                                            const Value::Map* set) {
    TRY(read_children());
    for (const auto& child : (*children_)[table.name]) {
        const auto& rule = set ? child.on_update : child.on_delete;
        const bool touched = !set || std::ranges::any_of(child.parent_columns, [&](const auto& column) {
            const auto found = set->find(column);
            return found != set->end() && !(found->second == row.at(column));
        });
        if (touched && (rule == "CASCADE" || rule == "SET NULL"))
            TRY(reach_rows(child, row, set));
    }
    return {};
}

Result<void> MariadbChanges::reach_rows(const Child& child, const Value::Map& row,
                                        const Value::Map* set) {
    if (child.table.empty())
        return Error{ .kind = Kind::unsupported,
                      .why = "a foreign key of another database changes with the row",
                      .fix = "what it would change there could not be shown; change it there first" };
    const auto* table = TRY(known(child.table));
    Value::Map key, after;
    const bool cascades = set && child.on_update == "CASCADE";
    for (std::size_t i = 0; i < child.columns.size(); ++i) {
        const auto& parent = child.parent_columns[i];
        key.emplace(child.columns[i], row.at(parent));
        const auto changed = set ? set->find(parent) : Value::Map::const_iterator();
        const bool is_set = set && changed != set->end();
        after.emplace(child.columns[i], !cascades ? Value()
                                        : is_set  ? changed->second
                                                  : row.at(parent));
        if (row.at(parent).is_null())
            return {}; // null refers to nothing
    }
    const bool removed = !set && child.on_delete == "CASCADE";
    std::vector<Value> parameters;
    const auto condition = where(session(), key, parameters);
    for (const auto& reached :
         TRY(session().rows("select " + column_list(session(), table->columns) + " from " +
                                session().quoted(table->name) + condition + std::string(lock()),
                            parameters))) {
        const auto key_before =
            table->key_columns.empty() ? stored(*table, reached) : key_of(*table, reached, {});
        if (was_seen(*table, key_before))
            continue; // also what ends a circle
        TRY(saw(*table, key_before, stored(*table, reached), false));
        if (const auto key_after = key_of(*table, reached, after);
            !removed && key_after != key_of(*table, reached, {}))
            TRY(saw(*table, key_after, {}, false));
        TRY(expect_effects(*table, reached, removed ? nullptr : &after));
    }
    return {};
}

// ---- triggers ----

Result<void> MariadbChanges::read_triggers() {
    if (triggers_)
        return {};
    triggers_.emplace();
    for (const auto& row : TRY(session().rows(
             "select event_object_table as home, event_manipulation as event, action_statement as body "
             "from information_schema.triggers where event_object_schema = database()")))
        triggers_->push_back({ text_of(row, "home"), text_of(row, "event"),
                               names_in(text_of(row, "body"), mariadb_reading_rules()) });
    if (triggers_->empty())
        return {};
    for (const auto& row :
         TRY(session().rows("select routine_name as name, routine_definition as body from "
                            "information_schema.routines where routine_schema = database()")))
        routines_[lower(text_of(row, "name"))] =
            names_in(text_of(row, "body"), mariadb_reading_rules());
    for (const auto& row :
         TRY(session().rows("select table_name as name from information_schema.tables "
                            "where table_schema = database() and table_type like "
                            "'%BASE TABLE%'")))
        if (!text_of(row, "name").starts_with("respawn_"))
            all_tables_.push_back(text_of(row, "name"));
    return {};
}

// The tables that the triggers of this write name, and those that these lead to.
Result<std::set<std::string>> MariadbChanges::reached_by_triggers(const Write& write) {
    std::set<std::string> names, done, reached;
    for (const auto& change : write.changes)
        for (const auto& trigger : *triggers_)
            if (trigger.table == change.table &&
                trigger.event == (change.kind == ChangeKind::insert   ? "INSERT"
                                  : change.kind == ChangeKind::update ? "UPDATE"
                                                                      : "DELETE"))
                names.insert(trigger.names.begin(), trigger.names.end());
    while (!names.empty()) {
        const auto name = *names.begin();
        names.erase(names.begin());
        if (!done.insert(name).second)
            continue;
        if (const auto routine = routines_.find(name); routine != routines_.end())
            names.insert(routine->second.begin(), routine->second.end());
        for (const auto& table : all_tables_) {
            if (lower(table) != name)
                continue;
            reached.insert(table);
            for (const auto& trigger : *triggers_)
                if (trigger.table == table)
                    names.insert(trigger.names.begin(), trigger.names.end());
            for (const auto& child : (*children_)[table])
                names.insert(lower(child.table));
        }
    }
    return reached;
}

Result<void> MariadbChanges::prepare(const Write& write) {
    TRY(read_triggers());
    if (triggers_->empty())
        return {};
    TRY(read_children());
    for (const auto& name : TRY(reached_by_triggers(write)))
        TRY(watch(name));
    return {};
}

Result<std::map<std::string, Value::Map>>
MariadbChanges::rows_of(const ServerTable& table, std::string_view condition,
                        const std::vector<Value>& parameters) {
    std::map<std::string, Value::Map> rows;
    int same = 0; // rows without a key may be alike
    for (auto& row :
         TRY(session().rows("select " + column_list(session(), table.stored_columns) + " from " +
                                session().quoted(table.name) + std::string(condition),
                            parameters))) {
        auto name = encode(table.key_columns.empty() ? row : key_of(table, row, {}));
        while (rows.contains(name))
            name += std::to_string(++same);
        rows.emplace(std::move(name), std::move(row));
    }
    return rows;
}

Result<void> MariadbChanges::watch(const std::string& name) {
    const auto* table = TRY(known(name));
    Watched watched{ .table = table };
    const auto count =
        TRY(session().value(fmt::format("select count(*) from (select 1 from {} limit {}) x",
                                        session().quoted(name), most_compared + 1)));
    watched.whole = count.integer() && *count.integer() <= most_compared;
    if (watched.whole)
        watched.rows = TRY(rows_of(*table, "", {}));
    else if (!table->numbered.empty())
        watched.highest = TRY(session().value(fmt::format(
            "select max({}) from {}", session().quoted(table->numbered), session().quoted(name))));
    watched_.push_back(std::move(watched));
    return {};
}

Result<void> MariadbChanges::compare(const Watched& watched) {
    const auto& table = *watched.table;
    if (!watched.whole && watched.highest.is_null())
        return {};
    auto after = watched.whole
                     ? TRY(rows_of(table, "", {}))
                     : TRY(rows_of(table, " where " + session().quoted(table.numbered) + " > ?",
                                   { watched.highest }));
    const auto told = [&](const Value::Map& row) {
        return table.key_columns.empty() ? row : key_of(table, row, {});
    };
    for (const auto& [name, row] : watched.rows)
        if (const auto found = after.find(name); found == after.end())
            TRY(saw(table, told(row), row, false, Value::Map()));
        else if (found->second != row)
            TRY(saw(table, told(row), row, false, found->second));
    for (const auto& [name, row] : after)
        if (!watched.rows.contains(name))
            TRY(saw(table, told(row), {}, false, row));
    return {};
}

Result<void> MariadbChanges::find_unasked() {
    for (const auto& watched : watched_)
        TRY(compare(watched));
    return {};
}

} // namespace respawn::database
