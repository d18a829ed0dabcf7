#include "component/restore_record.h"
#include "component/sqlite.h"
#include "kill_points.h"
#include "rig.h"

#include <atomic>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace rig;

namespace {

std::unique_ptr<Component> saves(const Place& place,
                                 Duration patience = std::chrono::milliseconds(50)) {
    return component::open_sqlite(
        { .name = "saves", .kind = "sqlite", .path = place.path("game/saves.db") }, patience);
}

// Everything that a page image must bring back and a copy of rows could lose.
constexpr const char* all_features = R"(
    CREATE TABLE players(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
                         galleons INTEGER CHECK(galleons >= 0), doubled AS (galleons * 2),
                         kept TEXT AS (upper(name)) STORED);
    CREATE TABLE duels(one INTEGER REFERENCES players(id) ON DELETE CASCADE, two INTEGER REFERENCES
                       players(id), spell BLOB, PRIMARY KEY(one, two)) WITHOUT ROWID;
    CREATE TABLE taken(rowid TEXT, _rowid_ TEXT, oid TEXT);
    CREATE TABLE typed(a INT, b REAL, c TEXT, d BLOB, e ANY) STRICT;
    CREATE TABLE log(what);
    CREATE INDEX rich ON players(galleons DESC) WHERE galleons > 100;
    CREATE INDEX by_length ON players(length(name));
    CREATE VIEW richest AS SELECT name, doubled FROM players ORDER BY galleons DESC;
    CREATE TRIGGER noticed AFTER UPDATE ON players BEGIN INSERT INTO log VALUES(new.name); END;
    CREATE VIRTUAL TABLE words USING fts5(text);
    CREATE VIRTUAL TABLE places USING rtree(id, x0, x1, y0, y1);
    INSERT INTO players(name, galleons) VALUES('ada', 100), ('lin', 20), ('zoë', 0), ('it''s', 7);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO players(name, galleons) SELECT 'p' || i, i * 3 FROM n;
    INSERT INTO duels VALUES(1, 2, zeroblob(20000)), (2, 1, randomblob(3000)), (3, 1, x'00ff');
    INSERT INTO taken VALUES('a', 'b', 'c'), (NULL, 1, 2.5);
    INSERT INTO typed VALUES(1, 0.1, 'x', x'00', 'any'), (-9223372036854775808, 1e300, '', x'', NULL);
    INSERT INTO words VALUES('the quick brown fox'), ('jumps over');
    INSERT INTO places VALUES(1, 0, 10, 0, 10), (2, 5, 6, 5, 6);
    UPDATE players SET galleons = galleons + 1 WHERE id < 5;
    DELETE FROM players WHERE id BETWEEN 100 AND 150;
    PRAGMA user_version = 4711;
    PRAGMA application_id = 99;)";

void make_small(const io::Path& path) {
    fs::create_directories(path.parent_path());
    Game game(path);
    game.run(
        "CREATE TABLE players(id INTEGER PRIMARY KEY, gold INT); INSERT INTO players VALUES(1, 100), "
        "(2, 20)");
}

io::Path only_entry(const io::Path& folder) { return fs::directory_iterator(folder)->path(); }

} // namespace

TEST_CASE("a database comes back equal to the last byte of its dump, whatever its make") {
    const auto pragmas = GENERATE(as<std::string>{}, "PRAGMA page_size=512", "PRAGMA page_size=65536",
                                  "PRAGMA auto_vacuum=FULL", "PRAGMA auto_vacuum=INCREMENTAL",
                                  "PRAGMA encoding='UTF-16le'", "PRAGMA journal_mode=WAL",
                                  "PRAGMA page_size=1024; PRAGMA journal_mode=WAL");
    Place place;
    fs::create_directories(place.path("game"));
    const auto live = place.path("game/saves.db");
    std::string before;
    {
        Game game(live);
        game.run(pragmas);
        game.run("PRAGMA wal_autocheckpoint=0");
        game.run(all_features);
        const auto record = place.back_up(*saves(place)); // while the game has it open
        REQUIRE(record.success);
        REQUIRE(record.error == "");
        before = dump(live);
        const auto report =
            must(saves(place)->restore_to(*place.vault, record, place.path("back.db"), place.work));
        REQUIRE(report.checked.at("tables").at("players").integer_at("rows") == 253);
    }
    INFO(pragmas);
    REQUIRE(before.size() > 10000);
    REQUIRE(dump(place.path("back.db")) == before);
    if (pragmas.find("WAL") == std::string::npos)
        REQUIRE(read(place.path("back.db")) == read(live));
}

TEST_CASE("a WAL that nobody checkpointed is in the backup, and nothing appears beside the database") {
    Place place;
    fs::create_directories(place.path("game"));
    {
        Game game(place.path("made.db"));
        game.run(
            "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a); INSERT INTO t "
            "VALUES(1), (2)");
        fs::copy_file(place.path("made.db"), place.path("game/saves.db"));
        fs::copy_file(place.path("made.db-wal"), place.path("game/saves.db-wal"));
    }
    const auto component = saves(place);
    const auto record = place.back_up(*component);
    REQUIRE(must(component->find_faults(place.work)).empty());
    REQUIRE_FALSE(fs::exists(place.path("game/saves.db-shm")));
    must(component->restore_to(*place.vault, record, place.path("back.db"), place.work));
    REQUIRE(Game(place.path("back.db")).number("SELECT sum(a) FROM t") == 3);
    REQUIRE(Game(place.path("back.db"))
                .number("SELECT 1 FROM pragma_journal_mode WHERE journal_mode='wal'") == 1);
}

TEST_CASE("a journal that a killed writer left is rolled back in the backup and left where it is") {
    Place place;
    make_small(place.path("game/saves.db"));
    const pid_t child = ::fork();
    if (child == 0) {
        sqlite3* game = nullptr;
        sqlite3_open(place.path("game/saves.db").c_str(), &game);
        sqlite3_exec(game,
                     "PRAGMA cache_size=1; BEGIN; UPDATE players SET gold = 0; CREATE TABLE big(a);",
                     nullptr, nullptr, nullptr);
        for (int i = 0; i < 200; ++i)
            sqlite3_exec(game, "INSERT INTO big VALUES(randomblob(3000))", nullptr, nullptr, nullptr);
        ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    REQUIRE(fs::file_size(place.path("game/saves.db-journal")) > 0);
    const auto before = read(place.path("game/saves.db"));
    const auto record = place.back_up(*saves(place));
    REQUIRE(read(place.path("game/saves.db")) == before);
    must(saves(place)->restore_to(*place.vault, record, place.path("back.db"), place.work));
    REQUIRE(Game(place.path("back.db")).number("SELECT sum(gold) FROM players") == 120);
}

TEST_CASE("a backup taken while the game writes shows one moment") {
    const std::string mode = GENERATE("DELETE", "WAL");
    Place place;
    fs::create_directories(place.path("game"));
    {
        Game game(place.path("game/saves.db"));
        game.run("PRAGMA journal_mode=" + mode +
                 "; CREATE TABLE t(id INTEGER PRIMARY KEY, gold INT, pad BLOB)");
        game.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) INSERT INTO "
            "t SELECT i, 100, randomblob(1000) FROM n");
    }
    const pid_t writer = ::fork();
    if (writer == 0) {
        sqlite3* game = nullptr;
        sqlite3_open(place.path("game/saves.db").c_str(), &game);
        sqlite3_busy_timeout(game, 10000);
        sqlite3_exec(game, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
        for (;;)
            sqlite3_exec(
                game,
                "BEGIN IMMEDIATE; UPDATE t SET gold = gold - 7 WHERE id % 10 = 3; UPDATE t SET "
                "gold = gold + 7 WHERE id % 10 = 8; COMMIT",
                nullptr, nullptr, nullptr);
    }
    const auto component = saves(place, std::chrono::seconds(20));
    for (int i = 0; i < 4; ++i) {
        const auto record = place.back_up(*component);
        const auto back = place.path("back" + std::to_string(i));
        must(component->restore_to(*place.vault, record, back, place.work));
        REQUIRE(Game(back).number("SELECT sum(gold) FROM t") == 200000);
    }
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
}

TEST_CASE("an unchanged database is not read again, and any change is seen") {
    const std::string mode = GENERATE("DELETE", "WAL");
    Place place;
    make_small(place.path("game/saves.db"));
    Game game(place.path("game/saves.db"));
    game.run("PRAGMA journal_mode=" + mode);
    const auto component = saves(place);
    const auto stored = [&] {
        auto writer = must(place.vault->begin_backup());
        const auto record = must(component->back_up(writer, place.work));
        const auto read = writer.counters().read_bytes;
        must(writer.finish({ .started = now(), .components = { record } }));
        return read;
    };
    const auto full = stored();
    REQUIRE(full >= 8192);
    const auto trees_only = stored();
    REQUIRE(trees_only < 4096);
    game.run("UPDATE players SET gold = gold + 1");
    REQUIRE(stored() >= 8192);
    REQUIRE(stored() < 4096);
}

TEST_CASE("sources that are no sound database each say so") {
    Place place;
    const auto live = place.path("game/saves.db");
    fs::create_directories(place.path("game"));
    const auto back_up = [&] {
        auto writer = must(place.vault->begin_backup());
        return saves(place)->back_up(writer, place.work);
    };
    const auto faults = [&] { return must(saves(place)->find_faults(place.work)); };
    SECTION("missing") {
        const auto record = must(back_up());
        REQUIRE_FALSE(record.success);
        REQUIRE(record.error.find("missing") != std::string::npos);
        REQUIRE(faults().size() == 1);
        REQUIRE(saves(place)->restore_live(*place.vault, record, place.work).error().kind ==
                Kind::missing);
    }
    SECTION("no tables") {
        Game(live).run("PRAGMA user_version=1");
        const auto record = must(back_up());
        REQUIRE(record.success);
        REQUIRE(record.error.find("no tables") != std::string::npos);
    }
    SECTION("an empty file") {
        write(live, "");
        REQUIRE(must(back_up()).error.find("no tables") != std::string::npos);
        REQUIRE(faults().size() == 1);
    }
    SECTION("not a database") {
        write(live, std::string(5000, 'x'));
        const auto error = back_up().error();
        REQUIRE(error.kind == Kind::corrupt);
        REQUIRE(error.why.find("is not an SQLite database") != std::string::npos);
        REQUIRE(faults().size() == 1);
    }
    SECTION("truncated, and garbage in a page") {
        {
            Game game(live);
            game.run("CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
                     "WHERE i "
                     "< 500) INSERT INTO t SELECT randomblob(500) FROM n");
        }
        const auto whole = read(live);
        write(live, std::string_view(whole).substr(0, whole.size() - 4096 * 3));
        REQUIRE(back_up().error().kind == Kind::corrupt);
        REQUIRE(faults().at(0).find("truncated") != std::string::npos);
        auto spoiled = whole;
        spoiled.replace(4096 * 5, 3000, std::string(3000, '\x55'));
        write(live, spoiled);
        const auto error = back_up().error();
        REQUIRE(error.kind == Kind::corrupt);
        REQUIRE(error.why.find("game/saves.db is damaged") != std::string::npos);
        REQUIRE(error.fix.find("newest good backup") != std::string::npos);
        REQUIRE_FALSE(faults().empty());
        REQUIRE(read(live) == spoiled);
    }
    SECTION("locked longer than the patience") {
        make_small(live);
        Game game(live);
        game.run("BEGIN EXCLUSIVE; UPDATE players SET gold = 1");
        const auto error = back_up().error();
        REQUIRE(error.kind == Kind::timeout);
        REQUIRE(error.why.find("locked") != std::string::npos);
    }
}

TEST_CASE("rows that break rules are no damage and come back as they were") {
    Place place;
    make_small(place.path("game/saves.db"));
    {
        Game game(place.path("game/saves.db"));
        game.run("CREATE TABLE pets(owner REFERENCES players(id), age CHECK(age > 0)); PRAGMA "
                 "foreign_keys=OFF; "
                 "PRAGMA ignore_check_constraints=ON; INSERT INTO pets VALUES(99, -1)");
    }
    const auto record = place.back_up(*saves(place));
    REQUIRE(record.error == "");
    must(saves(place)->restore_to(*place.vault, record, place.path("back.db"), place.work));
    REQUIRE(dump(place.path("back.db")) == dump(place.path("game/saves.db")));
}

TEST_CASE("a live restore switches the database in and keeps the old one aside with its WAL") {
    Place place;
    const auto live = place.path("game/saves.db");
    make_small(live);
    ::chmod(live.c_str(), 0640);
    const auto component = saves(place);
    const auto record = place.back_up(*component);
    SECTION("damaged, with side files") {
        write(live, "garbage");
        write(place.path("game/saves.db-wal"), "old wal");
        write(place.path("game/saves.db-journal"), "old journal");
        ::chmod(live.c_str(), 0600);
        const auto preview = must(component->preview_restore(*place.vault, record));
        REQUIRE(preview.lines.at(0).find("replace ") == 0);
        const auto report = must(component->restore_live(*place.vault, record, place.work));
        REQUIRE(report.kept_aside.size() == 1);
        REQUIRE(read(report.kept_aside[0] / "saves.db") == "garbage");
        REQUIRE(read(report.kept_aside[0] / "saves.db-wal") == "old wal");
        REQUIRE(read(report.kept_aside[0] / "saves.db-journal") == "old journal");
        REQUIRE_FALSE(fs::exists(place.path("game/saves.db-wal")));
    }
    SECTION("lost") {
        fs::remove(live);
        const auto report = must(component->restore_live(*place.vault, record, place.work));
        REQUIRE(report.kept_aside.empty());
    }
    REQUIRE(must(component->matches(*place.vault, record, place.work)));
    REQUIRE(Game(live).number("SELECT sum(gold) FROM players") == 120);
    Game(live).run("UPDATE players SET gold = gold + 1");
    REQUIRE_FALSE(must(component->matches(*place.vault, record, place.work)));
    REQUIRE((fs::status(live).permissions() & fs::perms::mask) == static_cast<fs::perms>(0640));
    REQUIRE(must(component->finish_restore(place.work)) == "");
}

TEST_CASE("a live restore is refused while anyone has the database open, and says who") {
    Place place;
    const auto live = place.path("game/saves.db");
    make_small(live);
    const auto component = saves(place);
    const auto record = place.back_up(*component);
    const auto before = read(live);
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t game = ::fork();
    if (game == 0) {
        sqlite3* connection = nullptr;
        sqlite3_open(live.c_str(), &connection);
        sqlite3_exec(connection, "SELECT * FROM players", nullptr, nullptr, nullptr);
        [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
        ::pause();
        ::_exit(0);
    }
    char told;
    REQUIRE(::read(ready[0], &told, 1) == 1);
    const auto error = component->restore_live(*place.vault, record, place.work).error();
    REQUIRE(error.kind == Kind::conflict);
    REQUIRE(error.why.find(std::to_string(game)) != std::string::npos);
    ::kill(game, SIGKILL);
    ::waitpid(game, nullptr, 0);
    REQUIRE(read(live) == before);
    REQUIRE(fs::directory_iterator(place.path("game")) != fs::directory_iterator());
    must(component->restore_live(*place.vault, record, place.work));
}

TEST_CASE("a live restore killed at any step is finished or rolled back, and nothing is lost") {
    Place place(quick_folder());
    const auto live = place.path("game/saves.db");
    make_small(live);
    const auto component = saves(place);
    const auto record = place.back_up(*component);
    for (int at = 1;; ++at) {
        INFO("killed at call " << at);
        fs::remove_all(place.path("game"));
        write(live, "garbage");
        write(place.path("game/saves.db-wal"), "old wal");
        const bool killed = killed_at(at, [&] {
            if (!component->restore_live(*place.vault, record, place.work).ok())
                ::_exit(1);
        });
        const auto did = must(component->finish_restore(place.work));
        REQUIRE_FALSE(must(component::load_record(place.work.state)));
        if (read(live) == "garbage") {
            REQUIRE(read(place.path("game/saves.db-wal")) == "old wal");
            REQUIRE(std::distance(fs::directory_iterator(place.path("game")), {}) == 2);
        } else {
            REQUIRE(Game(live).number("SELECT sum(gold) FROM players") == 120);
            REQUIRE(std::distance(fs::directory_iterator(place.path("game")), {}) == 2);
            for (const auto& entry : fs::directory_iterator(place.path("game")))
                if (entry.is_directory()) {
                    REQUIRE(read(entry.path() / "saves.db") == "garbage");
                    REQUIRE(read(entry.path() / "saves.db-wal") == "old wal");
                }
        }
        if (!killed) {
            REQUIRE(at > 20);
            break;
        }
    }
}

TEST_CASE("a restore that is not what was backed up is refused and leaves nothing behind") {
    Place place;
    make_small(place.path("game/saves.db"));
    auto record = place.back_up(*saves(place));
    auto& detail = *record.detail.map();
    const std::string other = GENERATE("image", "rows");
    if (other == "image")
        detail["image"] = std::string(64, '0');
    else
        (*(*detail["tables"].map())["players"].map())["rows"] = 3;
    const auto before = read(place.path("game/saves.db"));
    const auto error = saves(place)->restore_live(*place.vault, record, place.work).error();
    REQUIRE(error.kind == Kind::failed_check);
    REQUIRE(error.why.find(other == "image"
                               ? "its pages are others"
                               : "table players has 2 rows, in the backup it has 3 rows") !=
            std::string::npos);
    REQUIRE(only_entry(place.path("game")) == place.path("game/saves.db"));
    REQUIRE(read(place.path("game/saves.db")) == before);
    REQUIRE_FALSE(must(component::load_record(place.work.state)));
}
