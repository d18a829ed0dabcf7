#include "component/snapshot_table.h"

#include "base/text.h"
#include "component/backup_database.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

namespace respawn::component {

namespace {

using Query =
    std::function<Result<database::Rows>(const std::string& sql, const std::vector<Value>& parameters)>;

std::vector<Value::Map> named(database::Rows found) {
    std::vector<Value::Map> rows;
    for (auto& cells : found.rows) {
        Value::Map row;
        for (std::size_t i = 0; i < cells.size(); ++i)
            row.insert_or_assign(found.columns[i], std::move(cells[i]));
        rows.push_back(std::move(row));
    }
    return rows;
}

// Of the table, and never anything else: SQLite takes a quoted name that stands alone for a text when
// there is no such column.
std::string own_column(std::string_view name) { return "t." + database::quoted_name(name); }

// t."a", t."b" collate binary: the order of the bytes, whatever the game compares by. Where it does so
// anyway nothing may be said, or SQLite would sort instead of using the key.
std::string in_order(const TableShape& shape) {
    std::vector<std::string> terms;
    for (const auto& column : shape.key) {
        const bool other = std::ranges::find(shape.collated, column) != shape.collated.end();
        terms.push_back(own_column(column) + (other ? " collate binary" : ""));
    }
    return join(terms, ", ");
}

class SqlTable final : public SnapshotTable {
  public:
    SqlTable(TableShape shape, Query query) : shape_(std::move(shape)), query_(std::move(query)) {}
    const TableShape& shape() const override { return shape_; }

    Result<std::vector<Value::Map>> find(const Value::Map& key) override {
        std::vector<std::string> terms;
        std::vector<Value> values;
        TRY(must_be_columns(key));
        for (const auto& [column, value] : key) {
            terms.push_back(own_column(column) + " is ?");
            values.push_back(value);
        }
        return named(TRY(query_(fmt::format("select * from {} as t where {} limit 2",
                                            database::quoted_name(shape_.name), join(terms, " and ")),
                                values)));
    }

    Result<std::vector<Value::Map>> rows_behind(const Value::Map& key, std::size_t most) override {
        TRY(must_have_order());
        std::string behind;
        std::vector<Value> values;
        if (!key.empty()) {
            std::vector<std::string> marks;
            for (const auto& column : shape_.key) {
                marks.emplace_back("?");
                values.push_back(key.at(column));
            }
            behind = fmt::format("where ({}) > ({}) ", in_order(shape_), join(marks, ", "));
        }
        return named(
            TRY(query_(fmt::format("select * from {} as t {}order by {} limit {}",
                                   database::quoted_name(shape_.name), behind, in_order(shape_), most),
                       values)));
    }

  private:
    Result<void> must_be_columns(const Value::Map& key) const {
        for (const auto& [column, value] : key)
            if (std::ranges::find(shape_.columns, column) == shape_.columns.end()) {
                const auto near = nearest(column, shape_.columns);
                return Error{ .kind = Kind::usage,
                              .why = fmt::format("table {} has no column {}", printable(shape_.name),
                                                 printable(column)),
                              .fix = near.empty() ? "it has: " + printable(join(shape_.columns, ", "))
                                                  : fmt::format("did you mean {}?", printable(near)) };
            }
        return {};
    }

    // Nothing is behind a null, and a row without its key would be passed over in silence.
    Result<void> must_have_order() {
        if (ordered_)
            return {};
        if (shape_.key.empty())
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("table {} has no primary key: its rows have no names",
                                             printable(shape_.name)) };
        std::vector<std::string> terms;
        for (const auto& column : shape_.key)
            terms.push_back(own_column(column) + " is null");
        const auto nameless =
            TRY(query_(fmt::format("select 1 from {} as t where {} limit 1",
                                   database::quoted_name(shape_.name), join(terms, " or ")),
                       {}));
        if (!nameless.rows.empty())
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("table {} has rows with NULL in their primary key",
                                             printable(shape_.name)) };
        ordered_ = true;
        return {};
    }

    TableShape shape_;
    Query query_;
    bool ordered_ = false;
};

Error no_table(database::BytesDatabase& database, std::string_view name) {
    std::vector<std::string> names;
    if (const auto found = database.rows("select name from pragma_table_list where schema = 'main' and "
                                         "type = 'table' and name not like 'sqlite\\_%' escape '\\'",
                                         {});
        found.ok())
        for (const auto& row : found.value().rows)
            names.push_back(row[0].text() ? *row[0].text() : "");
    std::ranges::sort(names);
    const auto near = nearest(name, names);
    return { .kind = Kind::missing,
             .why = fmt::format("the backup has no table {}", printable(name)),
             .fix = near.empty() ? "it has: " + printable(join(names, ", "))
                                 : fmt::format("did you mean {}?", printable(near)) };
}

Result<TableShape> shape_of(database::BytesDatabase& database, const std::string& name) {
    const auto kinds = TRY(database.rows(
        "select type from pragma_table_list where schema = 'main' and name = ?", { name }));
    if (kinds.rows.empty())
        return no_table(database, name);
    if (!(kinds.rows[0][0] == Value("table")))
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("{} is a {} table, not one of rows", printable(name),
                                         to_text(kinds.rows[0][0])) };
    TableShape shape{ .name = name, .columns = {}, .key = {} };
    std::map<std::int64_t, std::string> key;
    const auto columns =
        TRY(database.rows("select name, pk, hidden from pragma_table_xinfo(?)", { name }));
    for (const auto& row : columns.rows) {
        if (*row[2].integer() == 0) // else generated
            shape.columns.push_back(*row[0].text());
        if (*row[1].integer() > 0)
            key[*row[1].integer()] = *row[0].text();
    }
    for (const auto& [position, column] : key)
        shape.key.push_back(column);
    const auto collated =
        TRY(database.rows("select x.name from pragma_index_list(?) l join pragma_index_xinfo(l.name) x "
                          "where l.origin = 'pk' and x.key = 1 and x.coll <> 'BINARY'",
                          { name }));
    for (const auto& row : collated.rows)
        shape.collated.push_back(row[0].text() ? *row[0].text() : "");
    return shape;
}

// Its text is ordered by other bytes than those that are seen here.
Result<void> must_be_utf8(database::BytesDatabase& database) {
    const auto encoding = TRY(database.rows("pragma encoding", {}));
    if (encoding.rows.empty() || encoding.rows[0][0] == Value("UTF-8"))
        return {};
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("the database keeps its text as {}: rows cannot be compared in "
                                     "their order",
                                     to_text(encoding.rows[0][0])) };
}

// A table of a SQLite image, with the image that it is read from.
class ImageTable final : public SnapshotTable {
  public:
    ImageTable(database::BytesDatabase database, TableShape shape)
        : database_(std::move(database)),
          table_(std::move(shape),
                 [this](const std::string& sql, const std::vector<Value>& parameters) {
                     return database_.rows(sql, parameters);
                 }) {}
    const TableShape& shape() const override { return table_.shape(); }
    Result<std::vector<Value::Map>> find(const Value::Map& key) override { return table_.find(key); }
    Result<std::vector<Value::Map>> rows_behind(const Value::Map& key, std::size_t most) override {
        if (key.empty())
            TRY(must_be_utf8(database_));
        return table_.rows_behind(key, most);
    }

  private:
    database::BytesDatabase database_;
    SqlTable table_;
};

// ---- comparing ----

int rank(const Value& value) {
    return value.is_null()                                      ? 0
           : value.integer() || value.real() || value.boolean() ? 1
           : value.text()                                       ? 2
                                                                : 3;
}

template <class T> int order(const T& a, const T& b) { return a < b ? -1 : b < a ? 1 : 0; }

// A whole number beside a real one, exactly: not every 64-bit number is a double.
int order_mixed(std::int64_t whole, double real) {
    constexpr double beyond = 9223372036854775808.0; // 2^63
    if (std::isnan(real))
        return 1;
    if (real >= beyond)
        return -1;
    if (real < -beyond)
        return 1;
    const auto floor = static_cast<std::int64_t>(std::floor(real));
    return whole != floor ? order(whole, floor) : std::floor(real) < real ? -1 : 0;
}

std::optional<std::int64_t> whole(const Value& value) {
    return value.integer()   ? std::optional(*value.integer())
           : value.boolean() ? std::optional<std::int64_t>(*value.boolean())
                             : std::nullopt;
}

int compare_numbers(const Value& a, const Value& b) {
    const auto left = whole(a), right = whole(b);
    if (left && right)
        return order(*left, *right);
    if (!left && !right)
        return order(*a.real(), *b.real());
    return left ? order_mixed(*left, *b.real()) : -order_mixed(*right, *a.real());
}

constexpr std::size_t rows_at_once = 500;

// The rows of a table one after the other.
class Cursor {
  public:
    explicit Cursor(SnapshotTable& table) : table_(table) {}
    // Null behind the last row; good until the next call.
    Result<const Value::Map*> row() {
        if (at_ == rows_.size() && !ended_) {
            rows_ = TRY(table_.rows_behind(last_key(), rows_at_once));
            at_ = 0;
            ended_ = rows_.empty();
        }
        return ended_ ? nullptr : &rows_[at_];
    }
    void step() { ++at_; }

  private:
    Value::Map last_key() const {
        Value::Map key;
        if (!rows_.empty())
            for (const auto& column : table_.shape().key)
                key.emplace(column, rows_.back().at(column));
        return key;
    }
    SnapshotTable& table_;
    std::vector<Value::Map> rows_;
    std::size_t at_ = 0;
    bool ended_ = false;
};

} // namespace

int compare_values(const Value& a, const Value& b) {
    const int left = rank(a), right = rank(b);
    if (left != right)
        return left < right ? -1 : 1;
    switch (left) {
    case 0:
        return 0;
    case 1:
        return compare_numbers(a, b);
    case 2:
        return order(*a.text(), *b.text());
    default:
        return order(a.blob()->bytes, b.blob()->bytes);
    }
}

int compare_keys(const std::vector<std::string>& key, const Value::Map& a, const Value::Map& b) {
    for (const auto& column : key)
        if (const int found = compare_values(a.at(column), b.at(column)); found != 0)
            return found;
    return 0;
}

Result<void> compare_tables(SnapshotTable& before, SnapshotTable& after, const TakeRowChange& take) {
    const auto& key = before.shape().key;
    if (key != after.shape().key)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the primary key of {} is not the same in both: {} and {}",
                                         printable(before.shape().name), printable(join(key, ", ")),
                                         printable(join(after.shape().key, ", "))) };
    Cursor left(before), right(after);
    for (;;) {
        const auto* was = TRY(left.row());
        const auto* is = TRY(right.row());
        if (!was && !is)
            return {};
        const int order = !was ? 1 : !is ? -1 : compare_keys(key, *was, *is);
        if (order < 0)
            TRY(take(*was, {}));
        else if (order > 0)
            TRY(take({}, *is));
        else if (*was != *is)
            TRY(take(*was, *is));
        if (order <= 0)
            left.step();
        if (order >= 0)
            right.step();
    }
}

Result<std::unique_ptr<SnapshotTable>>
open_table(vault::Vault& from, const vault::ComponentRecord& record, std::string_view name) {
    auto database = TRY(open_backup_database(from, record));
    auto shape = TRY(shape_of(database, std::string(name)));
    return std::unique_ptr<SnapshotTable>(
        std::make_unique<ImageTable>(std::move(database), std::move(shape)));
}

std::unique_ptr<SnapshotTable> live_table(TableShape shape, database::Reader& reader) {
    return std::make_unique<SqlTable>(
        std::move(shape), [&reader](const std::string& sql, const std::vector<Value>& parameters) {
            return reader.query(sql, parameters);
        });
}

} // namespace respawn::component
