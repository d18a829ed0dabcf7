#include "component/backup_database.h"
#include "component/sqlite.h"
#include "rig.h"

using namespace rig;

namespace {

std::unique_ptr<Component> saves_of(const Place& place) {
    return component::open_sqlite(
        { .name = "saves", .kind = "sqlite", .path = place.path("game/saves.db") },
        std::chrono::milliseconds(50));
}

// All rows as text, a line each.
Result<std::string> answer(database::BytesDatabase& database, std::string_view sql) {
    std::string text;
    TRY(database.query(sql, [&](const auto&, std::vector<Value> row) -> Result<void> {
        for (const auto& value : row)
            text += to_text(value) + " ";
        text += "\n";
        return {};
    }));
    return text;
}

void make_players(const io::Path& path, const std::string& pragmas) {
    fs::create_directories(path.parent_path());
    Game game(path);
    game.run(pragmas);
    game.run("CREATE TABLE players(id INTEGER PRIMARY KEY, name TEXT, galleons INT); "
             "CREATE INDEX by_name ON players(name); "
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
             "INSERT INTO players SELECT i, 'p' || i, i FROM n");
}

std::string file_of(const Place& place, const std::string& inside) {
    for (const auto& entry : fs::recursive_directory_iterator(place.path("vault") / inside))
        if (entry.is_regular_file())
            return entry.path();
    return {};
}

} // namespace

TEST_CASE("SQL runs on a backup where it lies, each backup as it was") {
    const auto pragmas = GENERATE(as<std::string>{}, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL",
                                  "PRAGMA encoding='UTF-16le'");
    Place place;
    make_players(place.path("game/saves.db"), pragmas);
    const auto first = place.back_up(*saves_of(place));
    Game(place.path("game/saves.db")).run("UPDATE players SET galleons = 0 WHERE id % 100 = 0");
    const auto second = place.back_up(*saves_of(place));
    auto before = must(component::open_backup_database(*place.vault, first));
    auto after = must(component::open_backup_database(*place.vault, second));
    REQUIRE(must(answer(before, "SELECT sum(galleons) FROM players")) == "200010000 \n");
    REQUIRE(must(answer(after, "SELECT sum(galleons) FROM players")) == "198000000 \n");
    REQUIRE(must(answer(after, "SELECT id, galleons FROM players WHERE name = 'p700'")) == "700 0 \n");
    REQUIRE(must(answer(before, "SELECT count(*) FROM (SELECT name FROM players ORDER BY 1 DESC)")) ==
            "20000 \n");
}

TEST_CASE("a query on a backup cannot write, and says so") {
    Place place;
    make_players(place.path("game/saves.db"), "PRAGMA journal_mode=WAL");
    auto backup = must(component::open_backup_database(*place.vault, place.back_up(*saves_of(place))));
    for (const char* sql : { "DELETE FROM players", "CREATE TABLE t(a)", "PRAGMA journal_mode=DELETE",
                             "ATTACH 'x' AS y", "VACUUM" }) {
        const auto done = answer(backup, sql);
        INFO(sql);
        REQUIRE_FALSE(done.ok());
        REQUIRE(done.error().kind == Kind::denied);
    }
    REQUIRE(must(answer(backup, "SELECT count(*) FROM players")) == "20000 \n");
}

TEST_CASE("a query that meets damage names it, and others still answer") {
    Place place;
    make_players(place.path("game/saves.db"), "PRAGMA page_size=4096");
    const auto record = place.back_up(*saves_of(place));
    const auto pack = file_of(place, "packs");
    auto bytes = read(pack);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
    fs::permissions(pack, fs::perms::owner_write, fs::perm_options::add);
    write(pack, bytes);
    auto backup = component::open_backup_database(*place.vault, record);
    const auto done = backup.ok() ? answer(backup.value(), "SELECT sum(galleons) FROM players")
                                  : Result<std::string>(backup.error());
    REQUIRE_FALSE(done.ok());
    INFO(done.error().why);
    REQUIRE(done.error().kind == Kind::corrupt);
    REQUIRE(done.error().why.find("packs/") != std::string::npos);
}
