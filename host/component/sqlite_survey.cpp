#include "component/sqlite_survey.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>
#include <sqlite3.h>

namespace respawn::component {

namespace {

constexpr std::size_t examples_kept = 20;

// A number of 128 bits that wraps around.
class RowSum {
  public:
    void add(std::string_view row) {
        const auto digest = crypto::sha256(row);
        unsigned carry = 0;
        for (std::size_t i = 0; i < bytes_.size(); ++i) {
            carry += static_cast<unsigned char>(bytes_[i]) + static_cast<unsigned char>(digest[i]);
            bytes_[i] = static_cast<char>(carry & 0xff);
            carry >>= 8;
        }
    }
    std::string hex() const {
        std::string big_endian(bytes_.rbegin(), bytes_.rend());
        return to_hex(big_endian);
    }

  private:
    std::array<char, 16> bytes_{};
};

void add_column(ByteWriter& row, const SqliteStatement& from, int column) {
    switch (from.type(column)) {
    case SQLITE_INTEGER:
        row.u8(1).i64(from.integer(column));
        break;
    case SQLITE_FLOAT:
        row.u8(2).u64(std::bit_cast<std::uint64_t>(from.real(column)));
        break;
    case SQLITE_TEXT:
        row.u8(3).text(from.text(column));
        break;
    case SQLITE_BLOB:
        row.u8(4).text(from.blob(column));
        break;
    default:
        row.u8(0);
    }
}

Result<std::vector<std::string>> column_names(const SqliteHandle& database, const std::string& table) {
    auto rows = TRY(database.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1"));
    rows.bind(1, table);
    std::vector<std::string> names;
    while (TRY(rows.step()))
        names.emplace_back(rows.text(0));
    return names;
}

Result<bool> has_rowid(const SqliteHandle& database, const std::string& table) {
    auto rows =
        TRY(database.prepare("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1"));
    rows.bind(1, table);
    const bool known = TRY(rows.step());
    return known && rows.integer(0) == 0;
}

// A name that means the rowid in this table, or empty: a column may have taken each of the three.
std::string rowid_name(const std::vector<std::string>& columns) {
    for (const char* name : { "rowid", "_rowid_", "oid" }) {
        const auto same = [&](const std::string& column) {
            return sqlite3_stricmp(column.c_str(), name) == 0;
        };
        if (std::none_of(columns.begin(), columns.end(), same))
            return name;
    }
    return {};
}

Result<std::string> select_all(const SqliteHandle& database, const std::string& table) {
    const auto columns = TRY(column_names(database, table));
    std::vector<std::string> wanted;
    const auto rowid = rowid_name(columns);
    const bool numbered = TRY(has_rowid(database, table));
    if (numbered && !rowid.empty())
        wanted.push_back(rowid);
    for (const auto& column : columns)
        wanted.push_back(quoted_name(column));
    return fmt::format("SELECT {} FROM main.{}", join(wanted, ", "), quoted_name(table));
}

Result<Value> sum_rows(SqliteStatement rows) {
    RowSum sum;
    std::int64_t count = 0;
    const int columns = rows.columns();
    while (TRY(rows.step())) {
        ByteWriter row;
        for (int column = 0; column < columns; ++column)
            add_column(row, rows, column);
        sum.add(row.bytes());
        ++count;
    }
    return Value(Value::Map{ { "rows", count }, { "checksum", sum.hex() } });
}

Result<Value> survey_table(const SqliteHandle& database, const std::string& table) {
    const auto sql = TRY(select_all(database, table));
    auto rows = database.prepare(sql);
    if (rows.ok())
        return sum_rows(std::move(rows).value());
    if (rows.error().kind != Kind::io)
        return std::move(rows).error();
    // A generated column that needs a function only the game has: the rows can still be counted.
    const auto why = rows.error().why;
    const auto count =
        TRY(database.number(fmt::format("SELECT count(*) FROM main.{}", quoted_name(table))));
    return Value(Value::Map{ { "rows", count }, { "not_summed", why } });
}

Result<std::vector<std::string>> stored_tables(const SqliteHandle& database) {
    // A virtual table has no page of its own.
    auto rows = TRY(database.prepare(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"));
    std::vector<std::string> names;
    while (TRY(rows.step()))
        names.emplace_back(rows.text(0));
    return names;
}

bool is_violation(std::string_view line) {
    return line.starts_with("CHECK constraint failed") || line.starts_with("NULL value in") ||
           line.starts_with("TEXT value in") || line.starts_with("NUMERIC value in") ||
           line.starts_with("non-INT value in") || line.starts_with("non-BLOB value in") ||
           line.starts_with("non-REAL value in") || line.starts_with("non-TEXT value in");
}

Result<void> sort_lines(SqliteStatement rows, Integrity& found) {
    while (TRY(rows.step())) {
        // One answer may hold several lines, the first of them a heading.
        for (const auto line : split(rows.text(0), '\n')) {
            if (line == "ok" || line.empty() || line.starts_with("***"))
                continue;
            (is_violation(line) ? found.violations : found.damage).push_back(printable(line));
        }
    }
    return {};
}

Value::List texts(const std::vector<std::string>& lines) {
    Value::List list;
    for (const auto& line : lines)
        list.push_back(line);
    return list;
}

Result<void> add_foreign_keys(const SqliteHandle& database, Value::Map& found) {
    Value::List examples;
    std::int64_t count = 0;
    auto rows = TRY(database.prepare("PRAGMA foreign_key_check"));
    for (;;) {
        auto more = rows.step();
        if (!more.ok() && more.error().kind == Kind::io) { // a foreign key that fits no parent key
            examples.push_back(printable(more.error().why));
            break;
        }
        if (!TRY(std::move(more)))
            break;
        if (++count <= static_cast<std::int64_t>(examples_kept))
            examples.push_back(fmt::format("row {} of {} refers to a row of {} that is not there",
                                           rows.integer(1), printable(rows.text(0)),
                                           printable(rows.text(2))));
    }
    found["foreign_key_violations"] = count;
    found["foreign_key_examples"] = std::move(examples);
    return {};
}

Result<void> add_facts(const SqliteHandle& database, Value::Map& found) {
    for (const char* name : { "page_size", "user_version", "application_id", "auto_vacuum" })
        found[name] = TRY(database.number(fmt::format("PRAGMA {}", name)));
    found["pages"] = TRY(database.number("PRAGMA page_count"));
    found["encoding"] = TRY(database.text("PRAGMA encoding"));
    const auto header = TRY(database.read_raw(0, 100));
    found["journal_mode"] = header.size() == 100 && header[18] == 2 ? "wal" : "delete";
    return {};
}

} // namespace

Result<Integrity> check_integrity(const SqliteHandle& database) {
    Integrity found;
    auto rows = database.prepare("PRAGMA integrity_check(100)");
    auto sorted = rows.ok() ? sort_lines(std::move(rows).value(), found) : Result<void>(rows.error());
    if (!sorted.ok() && sorted.error().kind == Kind::io) {
        // A rule of the schema that needs a function only the game has: check all but the rules.
        found = {};
        TRY(database.run("PRAGMA ignore_check_constraints = ON"));
        auto without_rules = TRY(database.prepare("PRAGMA integrity_check(100)"));
        sorted = sort_lines(std::move(without_rules), found);
    }
    TRY(std::move(sorted));
    return found;
}

Result<Value> survey(const SqliteHandle& database) {
    auto integrity = TRY(check_integrity(database));
    if (!integrity.damage.empty()) {
        auto error = database.error(SQLITE_CORRUPT);
        error.why = fmt::format(
            "{} is damaged: {}{}", printable(database.path().string()), integrity.damage[0],
            integrity.damage.size() > 1 ? fmt::format(", and {} more", integrity.damage.size() - 1)
                                        : "");
        return error;
    }
    Value::Map tables;
    for (const auto& name : TRY(stored_tables(database)))
        tables[name] = TRY(survey_table(database, name));
    auto schema = TRY(database.prepare("SELECT rowid, * FROM main.sqlite_schema"));
    tables["sqlite_schema"] = TRY(sum_rows(std::move(schema)));
    Value::Map found{ { "tables", std::move(tables) } };
    TRY(add_facts(database, found));
    TRY(add_foreign_keys(database, found));
    found["violations"] = texts(integrity.violations);
    return Value(std::move(found));
}

namespace {

std::string count_and_sum(const Value& table) {
    return table.is_null()
               ? "is not there"
               : fmt::format("has {}",
                             counted(static_cast<std::uint64_t>(table.integer_at("rows")), "row"));
}

void compare_tables(const Value& found, const Value& expected, std::vector<std::string>& differences) {
    const auto* tables = expected.map();
    for (const auto& [name, table] : tables ? *tables : Value::Map{}) {
        const auto& other = found.at(name);
        if (other == table)
            continue;
        const bool same_count = other.integer_at("rows", -1) == table.integer_at("rows");
        differences.push_back(same_count
                                  ? fmt::format("table {} has other values", printable(name))
                                  : fmt::format("table {} {}, in the backup it {}", printable(name),
                                                count_and_sum(other), count_and_sum(table)));
    }
    if (found.map() && tables && found.map()->size() > tables->size())
        differences.push_back("there are tables that the backup does not have");
}

} // namespace

Result<void> must_equal(const Value& found, const Value& expected, const io::Path& path) {
    std::vector<std::string> differences;
    compare_tables(found.at("tables"), expected.at("tables"), differences);
    for (const char* fact : { "page_size", "pages", "journal_mode", "encoding", "user_version",
                              "application_id", "auto_vacuum", "violations", "foreign_key_violations" })
        if (found.at(fact) != expected.at(fact))
            differences.push_back(fmt::format("{} is {}, in the backup {}", fact,
                                              to_text(found.at(fact)), to_text(expected.at(fact))));
    if (differences.empty())
        return {};
    return Error{ .kind = Kind::failed_check,
                  .why = fmt::format("{} is not what was backed up: {}", printable(path.string()),
                                     join(differences, "; ")),
                  .fix = "check the vault (respawn check --read-data), or restore an older snapshot" };
}

namespace {
bool is_own(std::string_view name) { return !name.starts_with("sqlite_"); }
} // namespace

std::uint64_t own_tables(const Value& survey) {
    const auto* tables = survey.at("tables").map();
    if (!tables)
        return 0;
    return static_cast<std::uint64_t>(std::count_if(
        tables->begin(), tables->end(), [](const auto& table) { return is_own(table.first); }));
}

std::uint64_t own_rows(const Value& survey) {
    std::uint64_t rows = 0;
    const auto* tables = survey.at("tables").map();
    for (const auto& [name, table] : tables ? *tables : Value::Map{})
        rows += is_own(name) ? static_cast<std::uint64_t>(table.integer_at("rows")) : 0;
    return rows;
}

} // namespace respawn::component
