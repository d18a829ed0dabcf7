#include "database/changes.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::database {

namespace {

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

Result<Value::Map> fitted(ChangeTarget& target, const Table& table, const Value::Map& values) {
    Value::Map all;
    for (const auto& [column, value] : values)
        all.emplace(column, TRY(target.fit(table, column, value)));
    return all;
}

Result<void> insert(ChangeTarget& target, const Table& table, const Change& change) {
    std::string columns;
    std::string marks;
    std::vector<Value> parameters;
    for (const auto& [column, value] : TRY(fitted(target, table, change.set))) {
        columns += (columns.empty() ? "" : ", ") + target.session().quoted(column);
        marks += marks.empty() ? "?" : ", ?";
        parameters.push_back(value);
    }
    const auto into = "insert into " + target.session().quoted(table.name);
    if (columns.empty())
        return target.insert(table, into + std::string(target.session().no_values()), {});
    return target.insert(table, into + " (" + columns + ") values (" + marks + ")", parameters);
}

Result<void> update(ChangeTarget& target, const Table& table, const Change& change) {
    const auto row = TRY(current_row(target, table, change));
    TRY(must_hold(change, row));
    auto set = TRY(fitted(target, table, change.set));
    for (const auto& [column, amount] : change.add)
        set.insert_or_assign(column, TRY(added(change, column, row.at(column), amount)));
    if (set.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("the change of {} sets nothing",
                                         describe_row(change.table, change.key)),
                      .fix = "give set = { … } or add = { … }" };
    TRY(target.will_change(table, change, row, set));
    std::string assignments;
    std::vector<Value> parameters;
    for (const auto& [column, value] : set) {
        assignments += (assignments.empty() ? "" : ", ") + target.session().quoted(column) + " = ?";
        parameters.push_back(value);
    }
    const auto key = TRY(fitted(target, table, change.key));
    const auto condition = where(target.session(), key, parameters);
    return target.run(
        table, "update " + target.session().quoted(table.name) + " set " + assignments + condition,
        parameters);
}

Result<void> remove(ChangeTarget& target, const Table& table, const Change& change) {
    const auto row = TRY(current_row(target, table, change));
    TRY(must_hold(change, row));
    TRY(target.will_change(table, change, row, {}));
    std::vector<Value> parameters;
    const auto key = TRY(fitted(target, table, change.key));
    const auto condition = where(target.session(), key, parameters);
    return target.run(table, "delete from " + target.session().quoted(table.name) + condition,
                      parameters);
}

Result<void> apply(ChangeTarget& target, const Change& change) {
    if (change.table.starts_with("respawn_"))
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("table {} is not the game's", printable(change.table)) };
    const auto* table = TRY(target.find(change.table));
    for (const auto* values : { &change.key, &change.set, &change.add, &change.expect })
        TRY(must_know(*table, *values));
    switch (change.kind) {
    case ChangeKind::insert:
        return insert(target, *table, change);
    case ChangeKind::update:
        return update(target, *table, change);
    case ChangeKind::remove:
        return remove(target, *table, change);
    }
    return {};
}

} // namespace

Result<void> ChangeTarget::will_change(const Table&, const Change&, const Value::Map&,
                                       const Value::Map&) {
    return {};
}

Result<void> ChangeTarget::insert(const Table& table, const std::string& sql,
                                  const std::vector<Value>& parameters) {
    return run(table, sql, parameters);
}

Result<void> ChangeTarget::run(const Table& table, const std::string& sql,
                               const std::vector<Value>& parameters) {
    TRY(session().run(sql, parameters));
    if (table.is_view || session().changed_rows() == 1)
        return {};
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("the database changed {} of table {} without an error",
                                     session().changed_rows() == 0 ? "nothing" : "several rows",
                                     printable(table.name)),
                  .fix = "a trigger or a conflict clause of the game prevents the change" };
}

Result<void> apply_changes(ChangeTarget& target, const Write& write) {
    for (const auto& change : write.changes)
        TRY(apply(target, change)
                .while_doing("change " + describe_row(change.table, change.kind == ChangeKind::insert
                                                                        ? change.set
                                                                        : change.key)));
    return {};
}

Result<Value::Map> current_row(ChangeTarget& target, const Table& table, const Change& change) {
    if (change.key.empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("a change of table {} names no row", printable(change.table)),
                      .fix = "give key = { column = value }" };
    std::vector<Value> parameters;
    const auto key = TRY(fitted(target, table, change.key));
    const auto condition = where(target.session(), key, parameters);
    auto rows = TRY(target.session().rows("select " + column_list(target.session(), table.columns) +
                                              " from " + target.session().quoted(table.name) +
                                              condition + " limit 2" + std::string(target.lock()),
                                          parameters));
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

Error no_such_table(const std::string& name, const std::vector<std::string>& names) {
    const auto near = nearest(name, names);
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("there is no table {}", printable(name)),
                  .fix = near.empty() ? "" : fmt::format("did you mean {}?", near) };
}

Error unknown_symbol(const Table& table, const std::string& column, const Symbol& symbol) {
    return Error{ .kind = Kind::script,
                  .why = fmt::format("{}.{} would be set to <{}>, which is not known", table.name,
                                     column, printable(symbol.name)) };
}

// Names stand behind the table's: alone, SQLite takes one that is no column for a text.
Result<std::vector<Value::Map>> rows_with(Session& session, const std::string& table,
                                          const Value::Map& values, std::size_t most) {
    const auto whole = TRY(session.whole_row(table));
    if (whole.empty())
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("there is no table {}", printable(table)) };
    std::vector<std::string> terms;
    std::vector<Value> parameters;
    for (const auto& [column, value] : values) {
        terms.push_back("t." + session.quoted(column) + (value.is_null() ? " is null" : " = ?"));
        if (!value.is_null())
            parameters.push_back(value);
    }
    return session.rows(fmt::format("select {} from {} as t where {} limit {}", whole,
                                    session.quoted(table), join(terms, " and "), most),
                        parameters);
}

std::string where(const Session& session, const Value::Map& key, std::vector<Value>& parameters) {
    std::string text;
    for (const auto& [column, value] : key) {
        text += (text.empty() ? " where " : " and ") + session.quoted(column);
        text += value.is_null() ? " is null" : " = ?";
        if (!value.is_null())
            parameters.push_back(value);
    }
    return text;
}

std::string column_list(const Session& session, const std::vector<std::string>& columns) {
    std::string list;
    for (const auto& column : columns)
        list += (list.empty() ? "" : ", ") + session.quoted(column);
    return list;
}

std::string describe_row(const std::string& table, const Value::Map& key) {
    std::string names;
    for (const auto& [column, value] : key)
        names += (names.empty() ? "" : ", ") +
                 (key.size() == 1 ? to_text(value) : column + "=" + to_text(value));
    return fmt::format("{}[{}]", printable(table), names);
}

} // namespace respawn::database
