#include "component/snapshot_table.h"

#include "base/text.h"
#include "component/backup_database.h"
#include "component/mariadb_table.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <strings.h>

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
// anyway nothing may be said, or SQLite would sort instead of using the key. Of the key's first
// columns.
std::string in_order(const TableShape& shape, std::size_t columns) {
    std::vector<std::string> terms;
    for (const auto& column : std::span(shape.key).first(columns)) {
        const bool other = std::ranges::find(shape.collated, column) != shape.collated.end();
        terms.push_back(own_column(column) + (other ? " collate binary" : ""));
    }
    return join(terms, ", ");
}

// Names of a row's number in SQLite; a table whose columns have taken all three has no order.
constexpr const char* row_numbers[] = { "rowid", "_rowid_", "oid" };

Value::Map key_of(const TableShape& shape, const Value::Map& row) {
    Value::Map key;
    for (const auto& column : shape.key)
        key.emplace(column, row.at(column));
    return key;
}

class SqlTable final : public SnapshotTable {
  public:
    SqlTable(TableShape shape, Query query) : shape_(std::move(shape)), query_(std::move(query)) {}
    const TableShape& shape() const override { return shape_; }

    Result<std::vector<Value::Map>> find(const Value::Map& key) override {
        std::vector<std::string> terms;
        std::vector<Value> values;
        TRY(must_be_columns(shape_, key));
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
        return rows_in_order(key, ">", most);
    }

    Result<std::unique_ptr<RowStream>> rows_from(const Value::Map& start) override {
        if (!shape_.key.empty()) {
            TRY(must_have_order());
            return std::unique_ptr<RowStream>(std::make_unique<InOrder>(*this, start));
        }
        for (const auto* name : row_numbers)
            if (std::ranges::none_of(shape_.columns, [&](const auto& column) {
                    return ::strcasecmp(column.c_str(), name) == 0;
                }))
                return std::unique_ptr<RowStream>(std::make_unique<ByNumber>(*this, name));
        return Error{ .kind = Kind::unsupported,
                      .why =
                          fmt::format("the rows of table {} have no names", printable(shape_.name)) };
    }

  private:
    // Those whose key has this place beside these values, which may be of its first columns alone.
    Result<std::vector<Value::Map>> rows_in_order(const Value::Map& key, std::string_view place,
                                                  std::size_t most) {
        std::string where;
        std::vector<std::string> marks;
        std::vector<Value> values;
        for (const auto& column : shape_.key) {
            const auto found = key.find(column);
            if (found == key.end())
                break;
            marks.emplace_back("?");
            values.push_back(found->second);
        }
        if (!values.empty())
            where = fmt::format("where ({}) {} ({}) ", in_order(shape_, values.size()), place,
                                join(marks, ", "));
        return named(TRY(query_(fmt::format("select * from {} as t {}order by {} limit {}",
                                            database::quoted_name(shape_.name), where,
                                            in_order(shape_, shape_.key.size()), most),
                                values)));
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

    // By the key; of a start's columns, as many as the key has from its first on.
    class InOrder final : public RowStream {
      public:
        InOrder(SqlTable& table, const Value::Map& start) : table_(table), start_(start) {}
        Result<std::vector<Value::Map>> next() override {
            if (ended_)
                return std::vector<Value::Map>();
            auto rows = TRY(last_.empty() ? table_.rows_in_order(start_, ">=", most_)
                                          : table_.rows_in_order(last_, ">", most_));
            ended_ = rows.empty();
            if (!ended_)
                last_ = key_of(table_.shape_, rows.back());
            most_ = std::min<std::size_t>(most_ * 4, 1000); // who wants one row, reads few
            return rows;
        }

      private:
        SqlTable& table_;
        Value::Map start_, last_;
        std::size_t most_ = 16;
        bool ended_ = false;
    };

    // SQLite's own number of each row.
    class ByNumber final : public RowStream {
      public:
        ByNumber(SqlTable& table, const char* name) : table_(table), name_(own_column(name)) {}
        Result<std::vector<Value::Map>> next() override {
            constexpr std::size_t at_once = 500;
            auto found = TRY(table_.query_(
                fmt::format("select {0}, t.* from {1} as t where {0} {2} ? order by {0} limit {3}",
                            name_, database::quoted_name(table_.shape_.name),
                            last_ ? ">" : ">=", at_once),
                { last_.value_or(INT64_MIN) }));
            for (auto& row : found.rows) {
                last_ = *row.front().integer();
                row.erase(row.begin());
            }
            if (!found.columns.empty())
                found.columns.erase(found.columns.begin());
            return named(std::move(found));
        }

      private:
        SqlTable& table_;
        std::string name_;
        std::optional<std::int64_t> last_;
    };

    TableShape shape_;
    Query query_;
    bool ordered_ = false;
};

constexpr std::string_view sqlite_tables =
    "select name from pragma_table_list where schema = 'main' and type = 'table' and name not like "
    "'sqlite\\_%' escape '\\'";
constexpr std::string_view mariadb_tables =
    "select table_name from information_schema.tables where table_schema = database() and table_type "
    "in ('BASE TABLE', 'SYSTEM VERSIONED')";

// Of each foreign key: its table, the one that it refers to, whether it acts.
constexpr std::string_view sqlite_references =
    "select distinct c.name, p.name, f.on_delete not in ('NO ACTION', 'RESTRICT') from sqlite_schema c "
    "join pragma_foreign_key_list(c.name) f join sqlite_schema p on p.type = 'table' and lower(p.name) "
    "= lower(f.\"table\") where c.type = 'table'";
constexpr std::string_view mariadb_references =
    "select distinct table_name, referenced_table_name, delete_rule not in ('NO ACTION', 'RESTRICT') "
    "from information_schema.referential_constraints where constraint_schema = database() and "
    "unique_constraint_schema = database()";

std::vector<std::string> sorted_names(const database::Rows& found) {
    std::vector<std::string> names;
    for (const auto& row : found.rows)
        names.push_back(row[0].text() ? *row[0].text() : "");
    std::ranges::sort(names);
    return names;
}

Result<std::vector<std::string>> names_of_tables(database::BytesDatabase& database) {
    return sorted_names(TRY(database.rows(std::string(sqlite_tables), {})));
}

Error no_table(database::BytesDatabase& database, std::string_view name) {
    const auto found = names_of_tables(database);
    const auto names = found.ok() ? found.value() : std::vector<std::string>();
    const auto near = nearest(name, names);
    return { .kind = Kind::missing,
             .why = fmt::format("the backup has no table {}", printable(name)),
             .fix = near.empty() ? "it has: " + printable(join(names, ", "))
                                 : fmt::format("did you mean {}?", printable(near)) };
}

// A column of SQLite may hold anything; its type says what most of its cells are.
Holds held_by(const std::string& type) {
    const auto has = [&](std::string_view word) {
        return std::search(type.begin(), type.end(), word.begin(), word.end(), [](char a, char b) {
                   return std::toupper(static_cast<unsigned char>(a)) == b;
               }) != type.end();
    };
    return has("INT")                                  ? Holds::whole
           : has("CHAR") || has("CLOB") || has("TEXT") ? Holds::text
           : has("REAL") || has("FLOA") || has("DOUB") ? Holds::real
                                                       : Holds::anything;
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
        TRY(database.rows("select name, pk, hidden, type from pragma_table_xinfo(?)", { name }));
    for (const auto& row : columns.rows) {
        if (*row[2].integer() == 0) { // else generated
            shape.columns.push_back(*row[0].text());
            shape.holds.emplace(*row[0].text(), held_by(to_text(row[3])));
        }
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
    Result<std::unique_ptr<RowStream>> rows_from(const Value::Map& start) override {
        if (!shape().key.empty())
            TRY(must_be_utf8(database_));
        return table_.rows_from(start);
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

Result<void> must_be_columns(const TableShape& shape, const Value::Map& values) {
    for (const auto& [column, value] : values)
        if (std::ranges::find(shape.columns, column) == shape.columns.end()) {
            const auto near = nearest(column, shape.columns);
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("table {} has no column {}", printable(shape.name),
                                             printable(column)),
                          .fix = near.empty() ? "it has: " + printable(join(shape.columns, ", "))
                                              : fmt::format("did you mean {}?", printable(near)) };
        }
    return {};
}

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

Result<bool> SnapshotTable::compare_to(SnapshotTable&, const TakeRowChange&) { return false; }

Result<void> compare_tables(SnapshotTable& before, SnapshotTable& after, const TakeRowChange& take) {
    if (TRY(before.compare_to(after, take)))
        return {};
    const auto& key = before.shape().key;
    if (key != after.shape().key)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the primary key of {} is not the same in both: {} and {}",
                                         printable(before.shape().name), printable(join(key, ", ")),
                                         printable(join(after.shape().key, ", "))) };
    if (!before.shape().own_order.empty() || !after.shape().own_order.empty())
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the rows of {} do not come in the same order in both",
                                         printable(before.shape().name)) };
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

namespace {

// ---- kinds of components ----

Result<std::unique_ptr<SnapshotTable>>
open_in_image(vault::Vault& from, const vault::ComponentRecord& record, const std::string& name) {
    auto database = TRY(open_backup_database(from, record));
    auto shape = TRY(shape_of(database, name));
    return std::unique_ptr<SnapshotTable>(
        std::make_unique<ImageTable>(std::move(database), std::move(shape)));
}

Result<std::vector<TableShape>> list_in_image(vault::Vault& from,
                                              const vault::ComponentRecord& record) {
    auto database = TRY(open_backup_database(from, record));
    std::vector<TableShape> tables;
    for (const auto& name : TRY(names_of_tables(database)))
        tables.push_back(TRY(shape_of(database, name)));
    return tables;
}

Result<std::unique_ptr<SnapshotTable>> live_in_sql(const config::ComponentSettings&,
                                                   const TableShape& shape, database::Reader& reader,
                                                   const Cancellation&) {
    return std::unique_ptr<SnapshotTable>(std::make_unique<SqlTable>(
        shape, [&reader](const std::string& sql, const std::vector<Value>& parameters) {
            return reader.query(sql, parameters);
        }));
}

Result<std::unique_ptr<SnapshotTable>> live_mariadb(const config::ComponentSettings& settings,
                                                    const TableShape& shape, database::Reader& reader,
                                                    const Cancellation& cancel) {
    return live_mariadb_table(settings, shape.name, reader, cancel);
}

struct TableKind {
    std::string_view name;
    Result<std::vector<TableShape>> (*list)(vault::Vault&, const vault::ComponentRecord&);
    Result<std::unique_ptr<SnapshotTable>> (*open)(vault::Vault&, const vault::ComponentRecord&,
                                                   const std::string&);
    Result<std::unique_ptr<SnapshotTable>> (*live)(const config::ComponentSettings&, const TableShape&,
                                                   database::Reader&, const Cancellation&);
    std::string_view live_names, live_references; // queries
};
// The list: another kind of component that holds tables is one line.
constexpr TableKind table_kinds[] = {
    { "sqlite", list_in_image, open_in_image, live_in_sql, sqlite_tables, sqlite_references },
    { "mariadb", list_mariadb_tables, open_mariadb_table, live_mariadb, mariadb_tables,
      mariadb_references },
};

Result<const TableKind*> kind_named(std::string_view name, std::string_view kind) {
    for (const auto& one : table_kinds)
        if (one.name == kind)
            return &one;
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("{} is of kind {}, which holds no tables", printable(name),
                                     printable(kind)) };
}

// The rows of the stream from a place of the key's order on.
class RowsOfAll final : public RowStream {
  public:
    RowsOfAll(SnapshotTable& table, Value::Map start) : table_(table), start_(std::move(start)) {}
    Result<std::vector<Value::Map>> next() override {
        while (!ended_) {
            auto rows = TRY(table_.rows_behind(last_, rows_at_once));
            ended_ = rows.empty();
            if (!ended_)
                last_ = key_of(table_.shape(), rows.back());
            std::erase_if(rows, [&](const Value::Map& row) { return is_before(row); });
            if (!rows.empty())
                return rows;
        }
        return std::vector<Value::Map>();
    }

  private:
    bool is_before(const Value::Map& row) const {
        for (const auto& column : table_.shape().key) {
            const auto from = start_.find(column);
            const int order = from == start_.end() ? 0 : compare_values(row.at(column), from->second);
            if (order != 0 || from == start_.end())
                return order < 0;
        }
        return false;
    }
    SnapshotTable& table_;
    Value::Map start_, last_;
    bool ended_ = false;
};

} // namespace

Result<std::unique_ptr<RowStream>> SnapshotTable::rows_from(const Value::Map& start) {
    return std::unique_ptr<RowStream>(std::make_unique<RowsOfAll>(*this, start));
}

bool holds_tables(std::string_view kind) {
    return std::ranges::any_of(table_kinds, [&](const auto& one) { return one.name == kind; });
}

Result<std::unique_ptr<SnapshotTable>>
open_table(vault::Vault& from, const vault::ComponentRecord& record, std::string_view name) {
    return TRY(kind_named(record.name, record.kind))->open(from, record, std::string(name));
}

Result<std::vector<TableShape>> list_tables(vault::Vault& from, const vault::ComponentRecord& record) {
    return TRY(kind_named(record.name, record.kind))->list(from, record);
}

Result<std::vector<std::string>> live_tables(const config::ComponentSettings& settings,
                                             database::Reader& reader) {
    const auto* kind = TRY(kind_named(settings.name, settings.kind));
    return sorted_names(TRY(reader.query(kind->live_names, {})));
}

Result<std::vector<Reference>> live_references(const config::ComponentSettings& settings,
                                               database::Reader& reader) {
    const auto* kind = TRY(kind_named(settings.name, settings.kind));
    std::vector<Reference> references;
    for (const auto& row : TRY(reader.query(kind->live_references, {})).rows)
        if (row[0].text() && row[1].text())
            references.push_back({ *row[0].text(), *row[1].text(), whole(row[2]) != 0 });
    return references;
}

Result<std::unique_ptr<SnapshotTable>> live_table(const config::ComponentSettings& settings,
                                                  const TableShape& shape, database::Reader& reader,
                                                  const Cancellation& cancel) {
    return TRY(kind_named(settings.name, settings.kind))->live(settings, shape, reader, cancel);
}

} // namespace respawn::component
