#include "component/mariadb_table.h"

#include "base/text.h"
#include "component/mariadb_rows.h"
#include "component/mariadb_tree.h"
#include "component/mariadb_values.h"
#include "component/row_sort.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace respawn::component {

using database::MariadbTables;

namespace {

using Asked = std::map<std::size_t, AskedCell>; // by the column's place

constexpr std::size_t first_rows = 16, most_rows_at_once = 500, most_bytes_at_once = 1 << 20;

// A table's definition, and its rows as values.
class RowValues {
  public:
    explicit RowValues(ServerTable table);
    const ServerTable& table() const { return table_; }
    const TableShape& shape() const { return shape_; }
    ColumnValues& column(std::size_t place) { return columns_[place]; }

    Result<Value::Map> row(std::string_view bytes);
    Result<Value::Map> some_of_row(std::string_view bytes, const std::vector<std::size_t>& columns);
    // Nothing when no row can ever have these values.
    Result<std::optional<Asked>> asked(const Value::Map& key);
    Result<bool> has(std::string_view bytes, const Asked& asked);
    // The bytes of the key's first columns, as far as they are asked for exactly.
    Result<std::string> first_of_key(const Asked& asked) const;
    bool names_all(const std::vector<std::size_t>& columns, const Asked& asked) const;
    std::vector<Cell> cells(const Asked& asked) const;

  private:
    ServerTable table_;
    std::vector<ColumnValues> columns_;
    TableShape shape_;
    std::vector<Cell> cells_;
};

TableShape shape_from(const ServerTable& table, const std::vector<ColumnValues>& columns) {
    TableShape shape{ .name = table.name, .columns = {}, .key = {} };
    const auto names = [&](const std::vector<std::size_t>& places) {
        std::vector<std::string> found;
        for (const auto place : places)
            found.push_back(table.columns[place].name);
        return found;
    };
    for (std::size_t i = 0; i < columns.size(); ++i) {
        shape.columns.push_back(table.columns[i].name);
        shape.holds.emplace(table.columns[i].name, columns[i].holds());
    }
    shape.key = names(table.key);
    for (const auto place : table.key)
        if (!columns[place].keeps_order())
            shape.own_order.push_back(table.columns[place].name);
    for (const auto& unique : table.unique)
        shape.unique.push_back(names(unique.columns));
    return shape;
}

RowValues::RowValues(ServerTable table) : table_(std::move(table)) {
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
        columns_.emplace_back(table_, i);
    shape_ = shape_from(table_, columns_);
}

Result<Value::Map> RowValues::row(std::string_view bytes) {
    TRY(cells_of(bytes, columns_.size(), cells_));
    Value::Map row;
    for (std::size_t i = 0; i < columns_.size(); ++i)
        row.emplace(table_.columns[i].name, columns_[i].value(cells_[i]));
    return row;
}

Result<Value::Map> RowValues::some_of_row(std::string_view bytes,
                                          const std::vector<std::size_t>& columns) {
    TRY(cells_of(bytes, columns_.size(), cells_));
    Value::Map row;
    for (const auto place : columns)
        row.emplace(table_.columns[place].name, columns_[place].value(cells_[place]));
    return row;
}

Result<std::optional<Asked>> RowValues::asked(const Value::Map& key) {
    TRY(must_be_columns(shape_, key));
    Asked asked;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const auto found = key.find(table_.columns[i].name);
        if (found == key.end())
            continue;
        auto cell = columns_[i].asked(found->second);
        if (!cell.possible)
            return std::optional<Asked>();
        asked.emplace(i, std::move(cell));
    }
    return std::optional(std::move(asked));
}

Result<bool> RowValues::has(std::string_view bytes, const Asked& asked) {
    TRY(cells_of(bytes, columns_.size(), cells_));
    return std::ranges::all_of(
        asked, [&](const auto& one) { return columns_[one.first].is(cells_[one.first], one.second); });
}

std::vector<Cell> RowValues::cells(const Asked& asked) const {
    std::vector<Cell> cells(columns_.size());
    for (const auto& [place, cell] : asked)
        if (cell.cell)
            cells[place] = *cell.cell;
    return cells;
}

Result<std::string> RowValues::first_of_key(const Asked& asked) const {
    std::size_t count = 0;
    for (const auto place : table_.key) {
        const auto found = asked.find(place);
        if (found == asked.end() || !found->second.exact)
            break;
        ++count;
    }
    return key_of_cells(table_, cells(asked), count);
}

bool RowValues::names_all(const std::vector<std::size_t>& columns, const Asked& asked) const {
    return !columns.empty() && std::ranges::all_of(columns, [&](std::size_t place) {
        return asked.contains(place) && asked.at(place).cell;
    });
}

// ---- one after the other ----

class StoredRows final : public RowStream {
  public:
    StoredRows(RowValues& values, RowCursor cursor) : values_(values), cursor_(std::move(cursor)) {}
    Result<std::vector<Value::Map>> next() override {
        std::vector<Value::Map> rows;
        for (std::size_t bytes = 0; rows.size() < most_ && bytes < most_bytes_at_once;) {
            if (ended_ || !TRY(cursor_.next())) {
                ended_ = true;
                break;
            }
            bytes += cursor_.row().size();
            rows.push_back(
                TRY(only_ ? values_.some_of_row(cursor_.row(), *only_) : values_.row(cursor_.row())));
        }
        most_ = std::min(most_ * 4, most_rows_at_once); // who wants one row, reads few
        return rows;
    }
    void take_only(const std::vector<std::string>& columns) override {
        only_.emplace();
        const auto& all = values_.shape().columns;
        for (std::size_t i = 0; i < all.size(); ++i)
            if (std::ranges::find(columns, all[i]) != columns.end())
                only_->push_back(i);
    }

  private:
    RowValues& values_;
    RowCursor cursor_;
    std::optional<std::vector<std::size_t>> only_;
    std::size_t most_ = first_rows;
    bool ended_ = false;
};

// ---- the live table ----

class LiveTable final : public SnapshotTable {
  public:
    LiveTable(ServerTable table, std::unique_ptr<MariadbTables> server, database::Reader& reader)
        : values_(std::move(table)), server_(std::move(server)), reader_(reader) {}
    const TableShape& shape() const override { return values_.shape(); }
    RowValues& values() { return values_; }

    Result<std::vector<Value::Map>> find(const Value::Map& key) override {
        TRY(must_be_columns(shape(), key));
        return reader_.rows_with(shape().name, key, 2);
    }
    Result<std::vector<Value::Map>> rows_behind(const Value::Map&, std::size_t) override {
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the live table {} can only be compared with a backup",
                                         printable(shape().name)) };
    }

    // By the bytes of the keys.
    Result<void> each_row(const RowSort::Take& take) {
        const auto& table = values_.table();
        const auto sql = fmt::format("select {} from {}{}", table.selected(),
                                     MariadbTables::quoted(table.name), table.order());
        RowShaper shaper(table);
        if (table.sorted_by_key())
            return server_->scan(sql, [&](std::span<const Cell> cells) -> Result<void> {
                TRY(shaper.take(cells));
                return take(shaper.key(), shaper.row());
            });
        const auto folder = TRY(io::TemporaryFolder::make());
        RowSort sort(folder.path());
        TRY(server_->scan(sql, [&](std::span<const Cell> cells) -> Result<void> {
            TRY(shaper.take(cells));
            return sort.add(shaper.key(), shaper.row());
        }));
        return sort.each(take);
    }

  private:
    RowValues values_;
    std::unique_ptr<MariadbTables> server_;
    database::Reader& reader_;
};

// ---- a table of a backup ----

// Rows of an earlier table beside those of a later one, whose keys come rising.
class Beside {
  public:
    Beside(RowValues& before, RowCursor cursor, RowValues& after, const TakeRowChange& take)
        : before_(before), cursor_(std::move(cursor)), after_(after), take_(take),
          alike_(before.table().form() == after.table().form()) {}

    Result<void> begin() {
        there_ = TRY(cursor_.next());
        return {};
    }
    Result<void> next(std::string_view key, std::string_view row) {
        while (there_ && cursor_.key() < key)
            TRY(removed());
        if (!there_ || cursor_.key() != key)
            return take_({}, TRY(after_.row(row)));
        if (!alike_ || cursor_.row() != row)
            TRY(both(row));
        there_ = TRY(cursor_.next());
        return {};
    }
    Result<void> finish() {
        while (there_)
            TRY(removed());
        return {};
    }

  private:
    Result<void> removed() {
        TRY(take_(TRY(before_.row(cursor_.row())), {}));
        there_ = TRY(cursor_.next());
        return {};
    }
    Result<void> both(std::string_view row) {
        const auto was = TRY(before_.row(cursor_.row())), is = TRY(after_.row(row));
        return was == is ? Result<void>() : take_(was, is);
    }

    RowValues& before_;
    RowCursor cursor_;
    RowValues& after_;
    const TakeRowChange& take_;
    bool alike_, there_ = false;
};

class StoredMariadbTable final : public SnapshotTable {
  public:
    explicit StoredMariadbTable(StoredTable stored)
        : values_(std::move(stored.definition)), rows_(std::move(stored.rows)) {}
    const TableShape& shape() const override { return values_.shape(); }
    Result<std::vector<Value::Map>> find(const Value::Map& key) override;
    Result<std::vector<Value::Map>> rows_behind(const Value::Map& key, std::size_t most) override;
    Result<std::unique_ptr<RowStream>> rows_from(const Value::Map& start) override;
    Result<bool> compare_to(SnapshotTable& after, const TakeRowChange& take) override;

  private:
    // The row with this key and these values, or nothing.
    Result<std::optional<Value::Map>> row_at(std::string_view key, const Asked& asked);
    // The further unique key that the values name a row by; none.
    std::optional<std::size_t> named_unique(const Asked& asked);
    Result<std::vector<Value::Map>> by_unique(std::size_t unique, const Asked& asked);
    Result<std::vector<Value::Map>> by_reading(const Asked& asked);
    Result<std::string> bytes_of_key(const Value::Map& key);
    Result<void> must_have_keys_of(RowValues& other);
    Result<void> compare_stored(StoredMariadbTable& after, const TakeRowChange& take);
    Result<void> compare_live(LiveTable& after, const TakeRowChange& take);

    RowValues values_;
    RowTree rows_;
    Value::Map last_key_; // that was given by rows_behind(), and its bytes
    std::string last_bytes_;
};

Result<std::optional<Value::Map>> StoredMariadbTable::row_at(std::string_view key, const Asked& asked) {
    const auto row = TRY(rows_.find(key));
    if (!row || !TRY(values_.has(*row, asked)))
        return std::optional<Value::Map>();
    return std::optional(TRY(values_.row(*row)));
}

std::optional<std::size_t> StoredMariadbTable::named_unique(const Asked& asked) {
    const auto& unique = values_.table().unique;
    for (std::size_t i = 0; i < unique.size(); ++i)
        if (values_.names_all(unique[i].columns, asked) &&
            std::ranges::all_of(unique[i].columns, [&](std::size_t place) {
                return asked.at(place).exact || values_.column(place).holds() == Holds::text;
            }))
            return i;
    return {};
}

Result<std::vector<Value::Map>> StoredMariadbTable::by_unique(std::size_t unique, const Asked& asked) {
    const auto text =
        unique_text(values_.table(), values_.table().unique[unique], values_.cells(asked));
    std::vector<Value::Map> found;
    for (const auto& key : TRY(rows_.keys_with(unique, text.value_or(""))))
        if (auto row = TRY(row_at(key, asked)))
            found.push_back(std::move(*row));
    return found;
}

// All rows, or those that share the key's first columns.
Result<std::vector<Value::Map>> StoredMariadbTable::by_reading(const Asked& asked) {
    const auto first = TRY(values_.first_of_key(asked));
    auto cursor = TRY(rows_.rows_from(first));
    std::vector<Value::Map> found;
    while (found.size() < 2 && TRY(cursor.next()) && cursor.key().starts_with(first))
        if (TRY(values_.has(cursor.row(), asked)))
            found.push_back(TRY(values_.row(cursor.row())));
    return found;
}

Result<std::vector<Value::Map>> StoredMariadbTable::find(const Value::Map& key) {
    const auto asked = TRY(values_.asked(key));
    if (!asked)
        return std::vector<Value::Map>();
    const auto& columns = values_.table().key;
    if (values_.names_all(columns, *asked)) {
        const auto bytes = TRY(key_of_cells(values_.table(), values_.cells(*asked)));
        if (auto row = TRY(row_at(bytes, *asked)))
            return std::vector{ std::move(*row) };
        if (std::ranges::all_of(columns, [&](std::size_t place) { return asked->at(place).exact; }))
            return std::vector<Value::Map>();
    }
    if (const auto unique = named_unique(*asked))
        return by_unique(*unique, *asked);
    return by_reading(*asked);
}

// Floating point has no bytes to go back to: so those of the last row are kept.
Result<std::string> StoredMariadbTable::bytes_of_key(const Value::Map& key) {
    if (key == last_key_)
        return last_bytes_;
    const auto asked = TRY(values_.asked(key));
    if (!asked || !values_.names_all(values_.table().key, *asked))
        return Error{ .kind = Kind::usage, .why = "a key that no row of the table can have" };
    return key_of_cells(values_.table(), values_.cells(*asked));
}

Result<std::vector<Value::Map>> StoredMariadbTable::rows_behind(const Value::Map& key,
                                                                std::size_t most) {
    if (shape().key.empty())
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("table {} has no primary key: its rows have no names",
                                         printable(shape().name)) };
    auto cursor = TRY(key.empty() ? rows_.rows_from()
                                  : rows_.rows_from(TRY(bytes_of_key(key)), RowTree::From::behind));
    std::vector<Value::Map> rows;
    while (rows.size() < most && TRY(cursor.next())) {
        rows.push_back(TRY(values_.row(cursor.row())));
        last_bytes_ = cursor.key();
    }
    last_key_.clear();
    for (const auto& column : shape().key)
        if (!rows.empty())
            last_key_.emplace(column, rows.back().at(column));
    return rows;
}

Result<std::unique_ptr<RowStream>> StoredMariadbTable::rows_from(const Value::Map& start) {
    Asked asked;
    for (const auto place : values_.table().key) {
        const auto found = start.find(values_.table().columns[place].name);
        auto cell = found == start.end() ? AskedCell{ .possible = false }
                                         : values_.column(place).asked(found->second);
        if (!cell.possible)
            break; // from an earlier row on
        cell.exact = cell.exact || values_.column(place).holds() == Holds::text;
        asked.emplace(place, std::move(cell));
    }
    auto cursor = TRY(rows_.rows_from(TRY(values_.first_of_key(asked))));
    return std::unique_ptr<RowStream>(std::make_unique<StoredRows>(values_, std::move(cursor)));
}

// ---- comparing ----

Result<void> StoredMariadbTable::must_have_keys_of(RowValues& other) {
    const auto& mine = values_.table().key;
    const auto& others = other.table().key;
    bool same = shape().key == other.shape().key && !mine.empty();
    for (std::size_t i = 0; same && i < mine.size(); ++i)
        same = values_.column(mine[i]).has_keys_of(other.column(others[i]));
    if (same)
        return {};
    return Error{ .kind = Kind::unsupported,
                  .why = mine.empty()
                             ? fmt::format("table {} has no primary key: its rows have no names",
                                           printable(shape().name))
                             : fmt::format("the primary key of {} is not the same in both: {} "
                                           "and {}, or of other types",
                                           printable(shape().name), printable(join(shape().key, ", ")),
                                           printable(join(other.shape().key, ", "))),
                  .fix = "compare them with respawn query over both backups" };
}

Result<void> StoredMariadbTable::compare_stored(StoredMariadbTable& after, const TakeRowChange& take) {
    if (rows_.schema() == after.rows_.schema())
        return RowTree::compare(
            rows_, after.rows_,
            [&](std::string_view, const std::string* was, const std::string* is) -> Result<void> {
                return take(was ? TRY(values_.row(*was)) : Value::Map(),
                            is ? TRY(after.values_.row(*is)) : Value::Map());
            });
    TRY(must_have_keys_of(after.values_));
    Beside beside(values_, TRY(rows_.rows_from()), after.values_, take);
    TRY(beside.begin());
    auto cursor = TRY(after.rows_.rows_from());
    while (TRY(cursor.next()))
        TRY(beside.next(cursor.key(), cursor.row()));
    return beside.finish();
}

Result<void> StoredMariadbTable::compare_live(LiveTable& after, const TakeRowChange& take) {
    TRY(must_have_keys_of(after.values()));
    Beside beside(values_, TRY(rows_.rows_from()), after.values(), take);
    TRY(beside.begin());
    TRY(after.each_row(
        [&](std::string_view key, std::string_view row) { return beside.next(key, row); }));
    return beside.finish();
}

Result<bool> StoredMariadbTable::compare_to(SnapshotTable& after, const TakeRowChange& take) {
    if (auto* stored = dynamic_cast<StoredMariadbTable*>(&after)) {
        TRY(compare_stored(*stored, take));
        return true;
    }
    if (auto* live = dynamic_cast<LiveTable*>(&after)) {
        TRY(compare_live(*live, take));
        return true;
    }
    return false;
}

} // namespace

Result<std::unique_ptr<SnapshotTable>>
open_mariadb_table(vault::Vault& from, const vault::ComponentRecord& record, const std::string& name) {
    const auto tree = TRY(MariadbTree::open(from, record));
    return std::unique_ptr<SnapshotTable>(std::make_unique<StoredMariadbTable>(TRY(tree.table(name))));
}

Result<std::vector<TableShape>> list_mariadb_tables(vault::Vault& from,
                                                    const vault::ComponentRecord& record) {
    const auto tree = TRY(MariadbTree::open(from, record));
    std::vector<TableShape> tables;
    for (const auto& name : tree.tables())
        tables.push_back(RowValues(TRY(tree.definition(name))).shape());
    std::ranges::sort(tables, {}, &TableShape::name);
    return tables;
}

Result<std::unique_ptr<SnapshotTable>> live_mariadb_table(const config::ComponentSettings& settings,
                                                          const std::string& name,
                                                          database::Reader& reader,
                                                          const Cancellation& cancel) {
    auto server = TRY(MariadbTables::open(TRY(database::mariadb_login(settings)), cancel));
    auto tables = TRY(read_tables(*server));
    const auto found = std::ranges::find(tables, name, &ServerTable::name);
    if (found == tables.end())
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("the live database has no table {}", printable(name)) };
    return std::unique_ptr<SnapshotTable>(
        std::make_unique<LiveTable>(std::move(*found), std::move(server), reader));
}

} // namespace respawn::component
