#include "run/targeted_restore.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

using State = RowThenAndNow::State;

constexpr std::size_t most_keys = 100'000;

Error wrong_key(std::size_t line, std::string_view text, std::string_view why) {
    return { .kind = Kind::usage,
             .why = fmt::format("key {}, '{}', {}", line, printable(text), why),
             .fix = R"(write COLUMN=VALUE, several with a comma between them, or {"COLUMN": VALUE})" };
}

Result<Value::Map> read_key(std::size_t line, std::string_view text) {
    if (text.starts_with("{")) {
        const auto read = from_json(text);
        if (!read.ok())
            return wrong_key(line, text, read.error().why);
        return read.value().map() && !read.value().map()->empty()
                   ? *read.value().map()
                   : Result<Value::Map>(wrong_key(line, text, "names no column"));
    }
    Value::Map key;
    for (const auto part : split(text, ',')) {
        const auto equals = part.find('=');
        const auto column = trimmed(part.substr(0, equals));
        if (equals == std::string_view::npos || column.empty())
            return wrong_key(line, text, "has a part that is no COLUMN=VALUE");
        if (!key.emplace(column, trimmed(part.substr(equals + 1))).second)
            return wrong_key(line, text, fmt::format("names {} twice", printable(column)));
    }
    return key;
}

std::string unclear_because(const std::vector<Value::Map>& found, std::string_view where) {
    if (found.empty())
        return fmt::format("{} has no such row", where);
    return found.size() > 1 ? fmt::format("it names several rows of {}", where) : std::string();
}

// The primary key; of a table without one, the columns that were asked by.
Value::Map name_in_live(const component::TableShape& shape, const Value::Map& asked,
                        const Value::Map& row) {
    Value::Map key;
    for (const auto& column : shape.key)
        key.emplace(column, row.at(column));
    if (key.empty())
        for (const auto& [column, value] : asked)
            key.emplace(column, row.at(column));
    return key;
}

std::string gone_columns(const component::TableShape& shape, const Value::Map& now) {
    std::vector<std::string> gone;
    for (const auto& column : shape.columns)
        if (!now.contains(column))
            gone.push_back(printable(column));
    return join(gone, ", ");
}

Result<RowThenAndNow> look_at(component::SnapshotTable& then, database::Reader& live,
                              const Value::Map& asked) {
    RowThenAndNow row{ .asked = asked, .problem = {}, .key = {}, .then = {}, .now = {} };
    auto found = TRY(then.find(asked));
    row.problem = unclear_because(found, "the snapshot");
    if (!row.problem.empty())
        return row;
    row.then = std::move(found.front());
    row.key = name_in_live(then.shape(), asked, row.then);
    auto present = TRY(live.rows_with(then.shape().name, row.key, 2));
    if (present.size() > 1)
        row.problem = unclear_because(present, "the live table");
    if (present.empty())
        row.state = State::gone;
    if (present.size() != 1)
        return row;
    row.now = std::move(present.front());
    if (const auto gone = gone_columns(then.shape(), row.now); !gone.empty())
        row.problem = fmt::format("the live table has no {} any more", gone);
    else
        row.state = same_values(then.shape(), row.then, row.now) ? State::same : State::differs;
    return row;
}

} // namespace

std::string_view name_of(State state) {
    static constexpr std::string_view names[] = { "same", "differs", "gone", "unclear" };
    return names[static_cast<std::size_t>(state)];
}

Result<std::vector<Value::Map>> read_keys(std::string_view text) {
    std::vector<Value::Map> keys;
    for (const auto line : split(text, '\n'))
        if (!trimmed(line).empty())
            keys.push_back(TRY(read_key(keys.size() + 1, trimmed(line))));
    if (keys.empty())
        return Error{ .kind = Kind::usage,
                      .why = "no row is named",
                      .fix = "name rows with --key COLUMN=VALUE or --keys-file FILE" };
    if (keys.size() > most_keys)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} rows are named, at most {} are taken at once", keys.size(),
                                         most_keys),
                      .fix = "restore the whole component, or do it in parts" };
    return keys;
}

Result<TargetedRestore> find_rows(const Call& call, std::string_view component, std::string_view table,
                                  const std::vector<Value::Map>& keys, std::string_view snapshot) {
    auto* vault = TRY(call.game().vault());
    const auto from = TRY(vault::find_snapshot(TRY(vault->snapshots()), snapshot,
                                               { fmt::format("{}/{}", component, table) }, now()));
    const auto* record = from.component(component);
    if (!record || !record->success)
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("snapshot {} holds no component {}", from.id,
                                         printable(component)) };
    const auto then = TRY(component::open_table(*vault, *record, table));
    auto* live = TRY(call.reader(component));
    TargetedRestore found{
        .snapshot = from.id, .taken = { from.started }, .shape = then->shape(), .rows = {}
    };
    std::set<std::string> seen;
    for (const auto& key : keys) {
        auto row = TRY(look_at(*then, *live, key));
        if (row.state == State::unclear || seen.insert(encode(row.key)).second)
            found.rows.push_back(std::move(row));
    }
    return found;
}

std::vector<database::Change> changes_of(const TargetedRestore& restore) {
    std::vector<database::Change> changes;
    for (const auto& row : restore.rows) {
        if (row.state != State::differs && row.state != State::gone)
            continue;
        const bool there = row.state == State::differs;
        database::Change change{ .kind = there ? database::ChangeKind::update
                                               : database::ChangeKind::insert,
                                 .table = restore.shape.name,
                                 .key = there ? row.key : Value::Map{},
                                 .set = {},
                                 .add = {},
                                 .expect = row.now,
                                 .business_key = {} };
        for (const auto& column : restore.shape.columns)
            if (!there || !(row.now.at(column) == row.then.at(column)))
                change.set.emplace(column, row.then.at(column));
        changes.push_back(std::move(change));
    }
    return changes;
}

bool same_values(const component::TableShape& shape, const Value::Map& then, const Value::Map& now) {
    return std::ranges::all_of(shape.columns, [&](const std::string& column) {
        const auto found = now.find(column);
        return found != now.end() && found->second == then.at(column);
    });
}

std::string row_name(std::string_view table, const Value::Map& key) {
    std::string parts;
    for (const auto& [column, value] : key)
        parts += (parts.empty() ? "" : ", ") +
                 (key.size() == 1 ? to_text(value) : fmt::format("{}={}", column, to_text(value)));
    return fmt::format("{}[{}]", printable(table), printable(parts));
}

} // namespace respawn::run
