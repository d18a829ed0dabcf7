#include "component/snapshot_table.h"

#include "component/sqlite.h"
#include "rig.h"

using namespace rig;
using component::compare_values;
using component::SnapshotTable;

namespace {

struct TableSaves {
    Place place;
    io::Path path = place.path("game/saves.db");
    std::unique_ptr<Component> component = component::open_sqlite(
        { .name = "saves", .kind = "sqlite", .path = path }, std::chrono::milliseconds(50));

    TableSaves() { fs::create_directories(path.parent_path()); }
    void run(const std::string& sql) const { Game(path).run(sql); }
    vault::ComponentRecord back_up() { return place.back_up(*component); }
    std::unique_ptr<SnapshotTable> table(const vault::ComponentRecord& record, std::string_view name) {
        return must(component::open_table(*place.vault, record, name));
    }
};

// "1 2|3 4|" of the key columns, in the order in which the rows come.
std::string keys_in_order(SnapshotTable& table, std::size_t at_once) {
    std::string text;
    Value::Map last;
    for (;;) {
        const auto rows = must(table.rows_behind(last, at_once));
        if (rows.empty())
            return text;
        last.clear();
        for (const auto& row : rows) {
            for (const auto& column : table.shape().key)
                text += to_text(row.at(column)) + " ";
            text.back() = '|';
        }
        for (const auto& column : table.shape().key)
            last.emplace(column, rows.back().at(column));
    }
}

std::vector<std::string> differences(SnapshotTable& before, SnapshotTable& after) {
    std::vector<std::string> found;
    must(component::compare_tables(before, after, [&](const auto& was, const auto& is) -> Result<void> {
        found.push_back((was.empty()  ? "+"
                         : is.empty() ? "-"
                                      : "M") +
                        to_text((was.empty() ? is : was).at("id")));
        return {};
    }));
    return found;
}

} // namespace

TEST_CASE("a row of a backup is found by any columns, as text or as what it is") {
    TableSaves saves;
    saves.run("CREATE TABLE players(id INTEGER PRIMARY KEY, name TEXT, galleons INT, "
              "twice INT GENERATED ALWAYS AS (galleons * 2)); "
              "INSERT INTO players(id, name, galleons) VALUES (1, 'ada', 5), (2, 'lin', 5)");
    const auto table = saves.table(saves.back_up(), "players");
    REQUIRE(table->shape().columns == std::vector<std::string>{ "id", "name", "galleons" });
    REQUIRE(table->shape().key == std::vector<std::string>{ "id" });
    REQUIRE(must(table->find({ { "id", "2" } })).at(0).at("name") == Value("lin"));
    REQUIRE(must(table->find({ { "id", 2 } })).at(0).at("name") == Value("lin"));
    REQUIRE(must(table->find({ { "name", "ada" }, { "galleons", 5 } })).size() == 1);
    REQUIRE(must(table->find({ { "galleons", 5 } })).size() == 2);
    REQUIRE(must(table->find({ { "id", 3 } })).empty());
}

TEST_CASE("rows come in the order of their keys' bytes, however few at once") {
    TableSaves saves;
    saves.run("CREATE TABLE words(word TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID; "
              "INSERT INTO words VALUES ('b'), ('A'), ('C'), ('a1'), ('B1'); "
              "CREATE TABLE pairs(a INTEGER, b TEXT, PRIMARY KEY (b, a)); "
              "INSERT INTO pairs VALUES (2, 'x'), (10, 'x'), (1, 'y'), (-1, 'y')");
    const auto record = saves.back_up();
    const auto at_once = GENERATE(1, 2, 100);
    REQUIRE(keys_in_order(*saves.table(record, "words"), at_once) == "'A'|'B1'|'C'|'a1'|'b'|");
    REQUIRE(keys_in_order(*saves.table(record, "pairs"), at_once) == "'x' 2|'x' 10|'y' -1|'y' 1|");
}

TEST_CASE("two backups of a table are compared row by row, also with the live one") {
    TableSaves saves;
    saves.run("CREATE TABLE players(id INTEGER PRIMARY KEY, galleons INT); "
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
              "INSERT INTO players SELECT i, i FROM n");
    const auto first = saves.back_up();
    saves.run(
        "UPDATE players SET galleons = 0 WHERE id IN (1, 500, 501, 3000); "
        "DELETE FROM players WHERE id IN (2, 1000); INSERT INTO players VALUES (-7, 1), (3001, 1)");
    const auto second = saves.back_up();
    const auto before = saves.table(first, "players"), after = saves.table(second, "players");
    const std::vector<std::string> expected = { "+-7",  "M1",    "-2",    "M500",
                                                "M501", "-1000", "M3000", "+3001" };
    REQUIRE(differences(*before, *after) == expected);
    REQUIRE(differences(*before, *before).empty());
    const config::ComponentSettings settings{ .name = "saves", .kind = "sqlite", .path = saves.path };
    const auto database = must(database::open_database(settings));
    const auto live =
        must(component::live_table(settings, before->shape(), *database, saves.place.cancel));
    REQUIRE(differences(*before, *live) == expected);
}

TEST_CASE("what has no rows with names is not compared, and said so") {
    TableSaves saves;
    saves.run("CREATE TABLE bare(a); CREATE TABLE nulls(a TEXT PRIMARY KEY, b); INSERT INTO nulls "
              "VALUES (NULL, 1); "
              "CREATE VIEW seen AS SELECT * FROM bare; CREATE VIRTUAL TABLE texts USING fts5(t)");
    const auto record = saves.back_up();
    const auto kind = [&](std::string_view name) {
        auto table = component::open_table(*saves.place.vault, record, name);
        return table.ok() ? table.value()->rows_behind({}, 10).error().kind : table.error().kind;
    };
    REQUIRE(kind("bare") == Kind::unsupported);
    REQUIRE(kind("nulls") == Kind::unsupported);
    REQUIRE(kind("seen") == Kind::unsupported);
    REQUIRE(kind("texts") == Kind::unsupported);
    REQUIRE(kind("bear") == Kind::missing);
}

TEST_CASE("a backup that has lost a part is damaged: its rows are not said to be gone") {
    TableSaves saves;
    saves.run("CREATE TABLE players(id INTEGER PRIMARY KEY); INSERT INTO players VALUES (1)");
    auto record = saves.back_up();
    record.tree.bytes[0] ^= 1; // what no pack holds
    REQUIRE(component::open_table(*saves.place.vault, record, "players").error().kind == Kind::corrupt);
}

TEST_CASE("text in UTF-16 has another order: it is found, and not compared") {
    TableSaves saves;
    saves.run("PRAGMA encoding = 'UTF-16le'; CREATE TABLE players(name TEXT PRIMARY KEY, g INT); "
              "INSERT INTO players VALUES ('ada', 1)");
    const auto table = saves.table(saves.back_up(), "players");
    REQUIRE(must(table->find({ { "name", "ada" } })).size() == 1);
    REQUIRE(table->rows_behind({}, 10).error().kind == Kind::unsupported);
}

TEST_CASE("values are in SQLite's order, whole and real numbers exactly") {
    const std::vector<Value> rising = { nullptr,
                                        -1e300,
                                        INT64_MIN,
                                        -1.5,
                                        -1,
                                        0,
                                        0.5,
                                        9007199254740992.0,
                                        std::int64_t{ 9007199254740993 },
                                        INT64_MAX,
                                        9.3e18,
                                        "",
                                        "Z",
                                        "a",
                                        "\xc3\xa4",
                                        Blob{ "" },
                                        Blob{ "\x01" },
                                        Blob{ "\xff" } };
    for (std::size_t i = 0; i < rising.size(); ++i)
        for (std::size_t j = 0; j < rising.size(); ++j) {
            INFO(to_text(rising[i]) << " and " << to_text(rising[j]));
            const int order = compare_values(rising[i], rising[j]);
            REQUIRE((order < 0 ? -1 : order > 0 ? 1 : 0) == (i < j ? -1 : i > j ? 1 : 0));
        }
    REQUIRE(compare_values(2, 2.0) == 0);
}
