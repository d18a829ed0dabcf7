#include "component/sqlite_survey.h"

#include "base/text.h"
#include "database/sqlite_connection.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <sqlite3.h>

namespace respawn::component {

namespace {

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

namespace {

// Indexes that have an entry for each row of their table, and that table.
Result<std::map<std::string, std::string>> whole_indexes(const SqliteHandle& database) {
    std::map<std::string, std::string> found;
    auto rows = TRY(database.prepare(
        "SELECT i.name, m.name FROM main.sqlite_schema m JOIN pragma_index_list(m.name, 'main') i "
        "WHERE m.type = 'table' AND m.rootpage > 0 AND i.partial = 0"));
    while (TRY(rows.step()))
        found.emplace(rows.text(0), rows.text(1));
    return found;
}

Error damage_error(const SqliteHandle& database, const std::vector<std::string>& lines,
                   const std::string& sqlite_says) {
    auto error = database.error(SQLITE_CORRUPT);
    error.why = fmt::format(
        "{} is damaged: {}{} (SQLite says: {})", printable(database.path().string()), lines[0],
        lines.size() > 1 ? fmt::format(", and {} more", lines.size() - 1) : "", sqlite_says);
    return error;
}

// SQLite has the last word. Sound for it, the rows are counted by it.
Result<void> ask_sqlite(const SqliteHandle& database, const std::vector<std::string>& lines,
                        std::vector<StoredTree>& trees) {
    const auto integrity = check_integrity(database);
    if (!integrity.ok() && integrity.error().kind == Kind::corrupt)
        return damage_error(database, lines, integrity.error().why);
    const auto& damage = TRY(Result<Integrity>(integrity)).damage;
    if (!damage.empty())
        return damage_error(database, lines, damage[0]);
    for (auto& stored : trees)
        if (!stored.table.empty())
            stored.tree.entries = static_cast<std::uint64_t>(TRY(database.number(
                fmt::format("SELECT count(*) FROM main.{}", database::quoted_name(stored.table)))));
    return {};
}

void compare_indexes(const std::vector<StoredTree>& trees, std::vector<std::string>& lines) {
    std::map<std::string_view, std::uint64_t> rows;
    for (const auto& stored : trees)
        rows.emplace(stored.table, stored.tree.entries);
    for (const auto& stored : trees)
        if (const auto table = rows.find(stored.whole_index_of); !stored.whole_index_of.empty() &&
                                                                 table != rows.end() &&
                                                                 table->second != stored.tree.entries)
            lines.push_back(fmt::format("{} has {} entries, table {} {} rows", stored.tree.name,
                                        stored.tree.entries, printable(stored.whole_index_of),
                                        table->second));
}

} // namespace

Result<std::vector<StoredTree>> stored_trees(const SqliteHandle& database) {
    const auto whole = TRY(whole_indexes(database));
    std::vector<StoredTree> trees{ { { .name = "the schema", .root = 1 }, "sqlite_schema", {} } };
    auto rows = TRY(database.prepare(
        "SELECT type, name, rootpage FROM main.sqlite_schema WHERE rootpage <> 0 ORDER BY name"));
    while (TRY(rows.step())) {
        const std::string type(rows.text(0)), name(rows.text(1));
        StoredTree stored;
        stored.tree.name = printable(type) + " " + printable(name);
        const auto root = rows.integer(2);
        stored.tree.root = root > 0 && root < UINT32_MAX ? static_cast<std::uint32_t>(root) : 0;
        if (type == "table")
            stored.table = name;
        else if (const auto of = whole.find(name); of != whole.end())
            stored.whole_index_of = of->second;
        trees.push_back(std::move(stored));
    }
    return trees;
}

namespace {

// What each table and index has.
Result<std::vector<StoredTree>> judged(PageSurvey& survey, const SqliteHandle& database) {
    auto stored = TRY(stored_trees(database));
    std::vector<PageTree> trees;
    for (const auto& one : stored)
        trees.push_back(one.tree);
    auto lines = survey.judge(trees);
    for (std::size_t i = 0; i < trees.size(); ++i)
        stored[i].tree = std::move(trees[i]);
    if (lines.empty())
        compare_indexes(stored, lines);
    if (!lines.empty())
        TRY(ask_sqlite(database, lines, stored));
    return stored;
}

Result<Value> describe(const std::vector<StoredTree>& stored, const std::string& image,
                       const SqliteHandle& database) {
    Value::Map tables;
    for (const auto& one : stored)
        if (!one.table.empty())
            tables[one.table] = Value::Map{ { "rows", static_cast<std::int64_t>(one.tree.entries) } };
    Value::Map found{ { "tables", std::move(tables) }, { "image", image } };
    TRY(add_facts(database, found));
    return Value(std::move(found));
}

} // namespace

Result<Value> survey(ImageView& view, const vault::PageHasher& hasher, const io::Path& state,
                     decltype(PagePass::take) take) {
    const auto read = [&](std::uint32_t first, std::uint32_t count) { return view.read(first, count); };
    PagePass pass{ view.page_size(), view.pages(), read, hasher, nullptr, std::move(take) };
    if (view.pages() == 0)
        return describe({}, TRY(pass_over(pass)), view.shown());
    auto pages = TRY(PageSurvey::begin(
        view.page_size(), view.pages(), [&](std::uint32_t page) { return view.read(page, 1); }, state));
    pass.survey = &pages;
    const auto image = TRY(pass_over(pass));
    return describe(TRY(judged(pages, view.shown())), image, view.shown());
}

namespace {

std::string rows_of(const Value& table) {
    return table.is_null()
               ? "is not there"
               : fmt::format("has {}",
                             counted(static_cast<std::uint64_t>(table.integer_at("rows")), "row"));
}

void compare_tables(const Value& found, const Value& expected, std::vector<std::string>& differences) {
    const auto* tables = expected.map();
    for (const auto& [name, table] : tables ? *tables : Value::Map{}) {
        if (const auto& other = found.at(name);
            other.integer_at("rows", -1) != table.integer_at("rows", -1))
            differences.push_back(fmt::format("table {} {}, in the backup it {}", printable(name),
                                              rows_of(other), rows_of(table)));
    }
    if (found.map() && tables && found.map()->size() > tables->size())
        differences.push_back("there are tables that the backup does not have");
}

} // namespace

Result<void> must_equal(const Value& found, const Value& expected, const io::Path& path) {
    std::vector<std::string> differences;
    compare_tables(found.at("tables"), expected.at("tables"), differences);
    for (const char* fact : { "page_size", "pages", "journal_mode", "encoding", "user_version",
                              "application_id", "auto_vacuum" })
        if (found.at(fact) != expected.at(fact))
            differences.push_back(fmt::format("{} is {}, in the backup {}", fact,
                                              to_text(found.at(fact)), to_text(expected.at(fact))));
    if (differences.empty() && expected.at("image").text() &&
        found.text_at("image") != expected.text_at("image"))
        differences.emplace_back("its pages are others");
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

std::uint64_t own_tables(const Value& found) {
    const auto* tables = found.at("tables").map();
    if (!tables)
        return 0;
    return static_cast<std::uint64_t>(std::count_if(
        tables->begin(), tables->end(), [](const auto& table) { return is_own(table.first); }));
}

std::uint64_t own_rows(const Value& found) {
    std::uint64_t rows = 0;
    const auto* tables = found.at("tables").map();
    for (const auto& [name, table] : tables ? *tables : Value::Map{})
        rows += is_own(name) ? static_cast<std::uint64_t>(table.integer_at("rows")) : 0;
    return rows;
}

} // namespace respawn::component
