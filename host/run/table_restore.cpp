#include "run/table_restore.h"

#include "base/text.h"
#include "run/targeted_restore.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

using component::Reference;
using component::SnapshotTable;

// Before and after, of all rows together: the journal's result and the marker hold both.
constexpr std::size_t most_bytes_of_rows = 4 << 20;

Value::Map key_in(const component::TableShape& shape, const Value::Map& row) {
    Value::Map key;
    for (const auto& column : shape.key)
        key.emplace(column, row.at(column));
    return key;
}

// What one effect may hold, of all tables. What is too much is counted to the end, and not kept.
class Room {
  public:
    bool take(const RowToRestore& row) {
        bytes_ += encode(row.then).size() + encode(row.now).size();
        ++rows_;
        return fits();
    }
    Result<void> must_fit() const {
        if (fits())
            return {};
        return Error{ .kind = Kind::usage,
                      .why =
                          fmt::format("{} rows differ ({} before and after), and at most {} ({}) are "
                                      "brought back at once",
                                      rows_, human_size(bytes_), most_rows_of_tables,
                                      human_size(most_bytes_of_rows)),
                      .fix = "bring back single rows with --key or --keys-file, or the whole database: "
                             "respawn restore BACKUP --component NAME" };
    }

  private:
    bool fits() const { return rows_ <= most_rows_of_tables && bytes_ <= most_bytes_of_rows; }
    std::size_t rows_ = 0, bytes_ = 0;
};

Result<void> must_have_columns(const component::TableShape& then, const component::TableShape& now) {
    for (const auto& column : then.columns)
        if (std::ranges::find(now.columns, column) == now.columns.end())
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("the live table {} has no {} any more",
                                             printable(then.name), printable(column)),
                          .fix = "restore the whole database, or add the column first" };
    return {};
}

Result<std::vector<RowToRestore>> differing_rows(SnapshotTable& then, SnapshotTable& now, Room& room) {
    std::vector<RowToRestore> rows;
    const auto take = [&](const Value::Map& was, const Value::Map& is) -> Result<void> {
        if (!was.empty() && !is.empty() && same_values(then.shape(), was, is))
            return {};
        RowToRestore row{ key_in(then.shape(), was.empty() ? is : was), was, is };
        if (room.take(row))
            rows.push_back(std::move(row));
        return {};
    };
    TRY(component::compare_tables(then, now, take));
    return rows;
}

// As the call's reader sees it: in a dry run, what has been written so far.
Result<void> look_again(const component::TableShape& shape, database::Reader& reader,
                        std::vector<RowToRestore>& rows) {
    for (auto& row : rows) {
        auto found = TRY(reader.rows_with(shape.name, row.key, 2));
        if (found.size() > 1)
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("{} names several rows of the live table",
                                             row_name(shape.name, row.key)) };
        row.now = found.empty() ? Value::Map() : std::move(found.front());
    }
    std::erase_if(rows, [&](const RowToRestore& row) {
        return row.then.empty() ? row.now.empty()
                                : !row.now.empty() && same_values(shape, row.then, row.now);
    });
    return {};
}

// Each behind those that it refers to; where they refer to each other in a circle, as they come.
std::vector<std::string> parents_first(std::vector<std::string> left,
                                       const std::vector<Reference>& references) {
    const auto waits = [&](const std::string& table) {
        return std::ranges::any_of(references, [&](const Reference& reference) {
            return reference.table == table && reference.to != table &&
                   std::ranges::find(left, reference.to) != left.end();
        });
    };
    std::vector<std::string> ordered;
    while (!left.empty()) {
        auto next = std::ranges::find_if_not(left, waits);
        if (next == left.end())
            next = left.begin();
        ordered.push_back(*next);
        left.erase(next);
    }
    return ordered;
}

bool refers_to(const std::vector<std::string>& tables, const std::string& name,
               const std::vector<Reference>& references) {
    return std::ranges::any_of(references, [&](const Reference& reference) {
        return reference.to == name && std::ranges::find(tables, reference.table) != tables.end();
    });
}

Result<vault::Snapshot> snapshot_with(vault::Vault& vault, std::string_view component,
                                      const std::vector<std::string>& tables, std::string_view name) {
    std::vector<std::string> needs;
    for (const auto& table : tables)
        needs.push_back(fmt::format("{}/{}", component, table));
    auto found = TRY(vault::find_snapshot(TRY(vault.snapshots()), name, needs, now()));
    const auto* record = found.component(component);
    if (record && record->success)
        return found;
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("snapshot {} holds no component {}", found.id,
                                     printable(component)) };
}

// The rows of a table that is not named would go or change with those that go, and nothing would bring
// them back: neither this nor its undoing.
Result<void> must_take_nothing_along(const std::vector<TableToRestore>& tables,
                                     const std::vector<Reference>& references) {
    const auto is_named = [&](const std::string& name) {
        return std::ranges::find(tables, name, [](const auto& one) { return one.shape.name; }) !=
               tables.end();
    };
    for (const auto& table : tables)
        for (const auto& reference : references)
            if (reference.to == table.shape.name && reference.acts && !is_named(reference.table) &&
                table.count(false, true) > 0)
                return Error{ .kind = Kind::usage,
                              .why =
                                  fmt::format("{} of {} would be removed, and {} refers to them by a "
                                              "foreign key that removes or changes its rows with them",
                                              counted(table.count(false, true), "row"),
                                              printable(table.shape.name), printable(reference.table)),
                              .fix = fmt::format("name that table as well: --table {}",
                                                 printable(reference.table)) };
    return {};
}

database::Change change_of(const component::TableShape& shape, const RowToRestore& row) {
    const auto kind = row.then.empty()  ? database::ChangeKind::remove
                      : row.now.empty() ? database::ChangeKind::insert
                                        : database::ChangeKind::update;
    database::Change change{ .kind = kind,
                             .table = shape.name,
                             .key = row.now.empty() ? Value::Map{} : row.key,
                             .set = {},
                             .add = {},
                             .expect = row.now,
                             .business_key = {} };
    if (row.then.empty())
        return change;
    for (const auto& column : shape.columns) // the others are made by the database
        if (const auto now = row.now.find(column);
            now == row.now.end() || !(now->second == row.then.at(column)))
            change.set.emplace(column, row.then.at(column));
    return change;
}

void add_changes(std::vector<database::Change>& changes, const TableToRestore& table, bool was,
                 bool is) {
    const auto begin = static_cast<std::ptrdiff_t>(changes.size());
    for (const auto& row : table.rows)
        if (row.then.empty() != was && row.now.empty() != is)
            changes.push_back(change_of(table.shape, row));
    if (!was) // what refers to another row of its table mostly came after it
        std::reverse(changes.begin() + begin, changes.end());
}

} // namespace

std::uint64_t TableToRestore::count(bool was, bool is) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        rows, [&](const auto& row) { return row.then.empty() != was && row.now.empty() != is; }));
}

Result<TablesToRestore> find_tables(const Call& call, std::string_view component,
                                    const std::vector<std::string>& tables, std::string_view snapshot) {
    auto* vault = TRY(call.game().vault());
    const auto from = TRY(snapshot_with(*vault, component, tables, snapshot));
    const auto& settings = TRY(call.game().component(component))->settings();
    auto* reader = TRY(call.reader(component));
    const auto references = TRY(component::live_references(settings, *reader));
    TablesToRestore restore{ .snapshot = from.id, .taken = { from.started }, .tables = {} };
    const Cancellation never;
    Room room;
    for (const auto& name : parents_first(tables, references)) {
        const auto then = TRY(component::open_table(*vault, *from.component(component), name));
        const auto live = TRY(component::live_table(settings, then->shape(), *reader, never));
        TRY(must_have_columns(then->shape(), live->shape()));
        auto rows = TRY(differing_rows(*then, *live, room));
        restore.tables.push_back(
            { then->shape(), std::move(rows), refers_to(tables, name, references) });
    }
    TRY(room.must_fit());
    for (auto& table : restore.tables)
        TRY(look_again(table.shape, *reader, table.rows));
    TRY(must_take_nothing_along(restore.tables, references));
    return restore;
}

// A removal sets values free that must be unique; that of a row that others refer to has to wait until
// they refer to another one.
std::vector<database::Change> changes_of(const TablesToRestore& restore) {
    std::vector<database::Change> changes;
    for (const auto& table : restore.tables)
        if (!table.referenced)
            add_changes(changes, table, false, true);
    for (const auto& table : restore.tables) {
        add_changes(changes, table, true, !table.referenced);
        add_changes(changes, table, true, table.referenced);
    }
    for (auto table = restore.tables.rbegin(); table != restore.tables.rend(); ++table)
        if (table->referenced)
            add_changes(changes, *table, false, true);
    return changes;
}

Result<std::vector<std::string>> named_tables(const Value::List& list) {
    std::vector<std::string> names;
    for (const auto& name : list) {
        if (!name.text() || name.text()->empty())
            return Error{ .kind = Kind::script,
                          .why = fmt::format("{} names no table", printable(to_text(name))),
                          .fix = R"(write tables = { "players", "friends" })" };
        if (std::ranges::find(names, *name.text()) == names.end())
            names.push_back(*name.text());
    }
    if (names.empty())
        return Error{ .kind = Kind::script,
                      .why = "no table is named",
                      .fix = R"(write tables = { "players", "friends" })" };
    return names;
}

} // namespace respawn::run
