#include "database/postgres_changes.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

std::string text_of(const Value::Map& row, std::string_view column) {
    const auto found = row.find(column);
    return found == row.end() || !found->second.text() ? "" : *found->second.text();
}

constexpr std::pair<std::string_view, Form> forms[] = {
    { "int2", Form::whole },       { "int4", Form::whole },         { "int8", Form::whole },
    { "oid", Form::whole },        { "numeric", Form::exact },      { "float4", Form::real },
    { "float8", Form::real },      { "bool", Form::truth },         { "bytea", Form::bytes },
    { "date", Form::day },         { "time", Form::clock },         { "timetz", Form::clock },
    { "timestamp", Form::moment }, { "timestamptz", Form::moment },
};

Form form_of(std::string_view type) {
    for (const auto& [name, form] : forms)
        if (name == type)
            return form;
    return Form::text;
}

Result<void> must_be_plain(const std::string& name, const std::string& kind) {
    if (kind == "r" || kind == "p")
        return {};
    const auto* word = kind == "v" || kind == "m" ? "view"
                       : kind == "f"              ? "table of another server"
                                                  : "sequence";
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("{} is no table but a {}", printable(name), word),
                  .fix = "change the tables under it" };
}

// A column of the catalogue's.
void add_column(ServerTable& table, const Value::Map& column) {
    const auto name = text_of(column, "name");
    table.columns.push_back(name);
    table.types[name] = text_of(column, "type");
    table.forms[name] = form_of(text_of(column, "kind"));
    if (text_of(column, "generated").empty())
        table.stored_columns.push_back(name);
    // nextval(…), gen_random_uuid(): whatever is computed anew for each row.
    if (!text_of(column, "identity").empty() ||
        text_of(column, "otherwise").find('(') != std::string::npos)
        table.made.push_back(name);
    const auto modifier = column.at("modifier").integer() ? *column.at("modifier").integer() : -1;
    const auto form = table.forms[name];
    if (form == Form::exact && modifier >= 4) // the scale, as numeric_out has it
        table.fractions[name] = static_cast<int>(((modifier - 4) & 0x7ff) ^ 1024) - 1024;
    else if (form == Form::clock || form == Form::moment)
        table.fractions[name] = modifier < 0 ? 6 : static_cast<int>(modifier);
}

constexpr std::string_view this_table = "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
                                        "n.oid = c.relnamespace where n.nspname "
                                        "= current_schema() and c.relname = ?";

} // namespace

Result<ServerTable> PostgresChanges::read_table(const std::string& name) {
    ServerTable table;
    table.name = name;
    const auto about =
        TRY(session().rows("select c.relkind::text as kind " + std::string(this_table), { name }));
    if (about.empty()) {
        std::vector<std::string> names;
        for (const auto& row :
             TRY(session().rows("select c.relname::text as name from pg_catalog.pg_class c join "
                                "pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = "
                                "current_schema() and c.relkind in ('r', 'p')")))
            names.push_back(text_of(row, "name"));
        return no_such_table(name, names);
    }
    TRY(must_be_plain(name, text_of(about[0], "kind")));
    for (const auto& column : TRY(session().rows(
             "select a.attname::text as name, t.typname::text as kind, "
             "pg_catalog.format_type(a.atttypid, "
             "a.atttypmod) as type, a.atttypmod as modifier, a.attgenerated::text as generated, "
             "a.attidentity::text as identity, (select "
             "pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d where d.adrelid "
             "= "
             "a.attrelid and d.adnum = a.attnum and a.attgenerated = '') as otherwise from "
             "pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid where a.attnum "
             "> 0 "
             "and not a.attisdropped and a.attrelid = (select c.oid " +
                 std::string(this_table) + ") order by a.attnum",
             { name })))
        add_column(table, column);
    for (const auto& column : TRY(session().rows(
             "select a.attname::text as name from (select i.indrelid, i.indkey from "
             "pg_catalog.pg_index i "
             "where i.indrelid = (select c.oid " +
                 std::string(this_table) +
                 ") and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and "
                 "i.indexprs is null and not exists (select 1 from pg_catalog.pg_attribute f where "
                 "f.attrelid "
                 "= i.indrelid and f.attnum = any (i.indkey) and not f.attnotnull) order by "
                 "i.indisprimary "
                 "desc, i.indexrelid limit 1) k cross join unnest(k.indkey) with ordinality u (attnum, "
                 "place) "
                 "join pg_catalog.pg_attribute a on a.attrelid = k.indrelid and a.attnum = u.attnum "
                 "order by "
                 "u.place",
             { name })))
        table.key_columns.push_back(text_of(column, "name"));
    return table;
}

// The server would round what has more digits than the column keeps.
Result<Value> PostgresChanges::fit(const Table& table, const std::string& column, const Value& value) {
    auto fitted = TRY(ServerChanges::fit(table, column, value));
    const auto& known = static_cast<const ServerTable&>(table);
    if (known.forms.at(column) != Form::exact || fitted.is_null())
        return fitted;
    auto digits = fitted.text() ? *fitted.text() : to_text(fitted);
    const auto point = digits.find('.');
    const auto scale = known.fractions.find(column);
    while (point != std::string::npos && digits.ends_with('0'))
        digits.pop_back();
    if (scale != known.fractions.end() && point != std::string::npos &&
        static_cast<int>(digits.size() - point) - 1 > scale->second)
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{}.{} is {}, and cannot hold {} whole", printable(table.name),
                                         printable(column), known.types.at(column), to_text(value)),
                      .fix = "give a value that the column can hold whole" };
    return fitted.real() ? Value(std::move(digits)) : fitted;
}

Result<Written> PostgresChanges::apply(const Write& write) {
    auto written = TRY(ServerChanges::apply(write));
    if (!history_)
        return written;
    for (const auto& row : written.rows) {
        const auto* table = TRY(known(row.table));
        (*history_)[name_of(*table, row.key)] = row.after;
        if (table->key_columns.empty())
            (*history_)[name_of(*table, row.after)] = row.after;
    }
    return written;
}

// ---- what nobody asked for ----

// By the counters of the transaction, which may count a little more: an earlier one's.
Result<std::vector<PostgresChanges::Touched>> PostgresChanges::touched() {
    std::vector<Touched> all;
    for (const auto& row : TRY(session().rows(
             "select n.nspname::text as home, r.relname::text as name, sum(s.n_tup_ins)::int8 as "
             "inserted, "
             "sum(s.n_tup_upd)::int8 as updated, sum(s.n_tup_del)::int8 as removed from "
             "pg_catalog.pg_stat_xact_all_tables s join pg_catalog.pg_class r on r.oid = "
             "coalesce(pg_catalog.pg_partition_root(s.relid), s.relid) join pg_catalog.pg_namespace n "
             "on "
             "n.oid = r.relnamespace where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 and n.nspname "
             "not in "
             "('pg_catalog', 'information_schema', 'pg_toast') and r.relpersistence <> 't' group by "
             "n.nspname, r.relname order by 1, 2"))) {
        all.push_back({ text_of(row, "home"), text_of(row, "name"),
                        row.at("inserted").integer() ? *row.at("inserted").integer() : 0,
                        row.at("updated").integer() ? *row.at("updated").integer() : 0,
                        row.at("removed").integer() ? *row.at("removed").integer() : 0 });
    }
    return all;
}

Result<void> PostgresChanges::find_unasked() {
    const auto transaction = TRY(session().value(
        "select mod(pg_catalog.pg_current_xact_id_if_assigned()::text::numeric, 4294967296)::text"));
    if (!transaction.text())
        return {};
    for (const auto& one : TRY(touched()))
        if (!one.table.starts_with("respawn_"))
            TRY(find_in(one, *transaction.text()));
    return {};
}

Result<void> PostgresChanges::find_in(const Touched& touched, const std::string& transaction) {
    const auto home = TRY(session().value("select current_schema()::text"));
    if (home != Value(touched.schema))
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("a trigger changes table {} of the schema {}",
                                         printable(touched.table), printable(touched.schema)),
                      .fix =
                          "what it would change there cannot be shown; make the change another way" };
    const auto* table = TRY(known(touched.table));
    // Removals first: what was there before tells an update from an insert.
    if (touched.removed > asked_changes(*table, ChangeKind::remove))
        TRY(find_removed(*table));
    if (touched.inserted > asked_changes(*table, ChangeKind::insert) ||
        touched.updated > asked_changes(*table, ChangeKind::update))
        TRY(find_written(*table, transaction));
    return {};
}

Result<PostgresConnection*> PostgresChanges::earlier() {
    if (!earlier_)
        earlier_ = TRY(connection_.as_it_was());
    return earlier_.get();
}

Result<std::optional<Value::Map>> PostgresChanges::row_at(Session& session, const ServerTable& table,
                                                          const Value::Map& key) {
    std::vector<Value> parameters;
    const auto condition = where(session, key, parameters);
    auto rows = TRY(session.rows("select " + column_list(session, table.stored_columns) + " from " +
                                     session.quoted(table.name) + condition + " limit 1",
                                 parameters));
    return rows.empty() ? std::optional<Value::Map>() : std::optional(std::move(rows[0]));
}

Result<Value::Map> PostgresChanges::before(const ServerTable& table, const Value::Map& key) {
    if (history_)
        if (const auto found = history_->find(name_of(table, key)); found != history_->end())
            return found->second;
    return TRY(row_at(*TRY(earlier()), table, key)).value_or(Value::Map());
}

// The rows that are this transaction's: nothing that another began later can be seen here.
Result<void> PostgresChanges::find_written(const ServerTable& table, const std::string& transaction) {
    for (auto& row : TRY(session().rows("select " + column_list(session(), table.stored_columns) +
                                        " from " + session().quoted(table.name) +
                                        " where pg_catalog.age(xmin) <= pg_catalog.age('" +
                                        transaction + "'::xid)"))) {
        if (table.key_columns.empty()) {
            if (!history_ || !history_->contains(name_of(table, row)))
                TRY(saw(table, row, {}, false, row));
            continue;
        }
        const auto key = key_of(table, row, {});
        if (!was_seen(table, key))
            TRY(saw(table, key, TRY(before(table, key)), false, row));
    }
    return {};
}

// Rows that somebody has locked, changed or removed, and that are no longer there.
Result<void> PostgresChanges::find_removed(const ServerTable& table) {
    auto* session_before = TRY(earlier());
    for (auto& row :
         TRY(session_before->rows("select " + column_list(session(), table.stored_columns) + " from " +
                                  session().quoted(table.name) + " where xmax <> '0'::xid"))) {
        const auto key = table.key_columns.empty() ? row : key_of(table, row, {});
        if (was_seen(table, key) || TRY(row_at(session(), table, key)))
            continue;
        auto old = TRY(before(table, key));
        if (!old.empty())
            TRY(saw(table, key, std::move(old), false, Value::Map()));
    }
    return {};
}

} // namespace respawn::database
