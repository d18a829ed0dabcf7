#include "base/text.h"
#include "database/database.h"
#include "database/sqlite_connection.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <map>

using namespace respawn;
using database::Change;
using database::ChangeKind;
using database::Marker;
using database::RowChange;
using database::SqliteConnection;
using database::Write;

namespace {

// A database of its own and its own client beside it: one line a driver.
struct Rig {
    std::string kind;
    std::function<config::ComponentSettings(const io::Path& folder)> settings;
    // Runs a script as the game would, on a connection of its own.
    std::function<void(const config::ComponentSettings&, const std::string& sql)> game;
};

void sqlite_script(const config::ComponentSettings& settings, const std::string& sql) {
    auto connection = SqliteConnection::open(settings.path, SqliteConnection::Access::create).value();
    const auto done = connection.run_script(sql);
    INFO(sql << (done.ok() ? "" : done.error().why));
    REQUIRE(done.ok());
}

std::vector<Rig> database_rigs() {
    return { { "sqlite",
               [](const io::Path& folder) {
                   return config::ComponentSettings{ .name = "game",
                                                     .kind = "sqlite",
                                                     .path = folder / "game.db" };
               },
               sqlite_script } };
}

const std::string schema = R"(
create table players (id integer primary key, name text not null unique, galleons integer not null default 0 check (galleons >= 0),
  seen_at text, seen_number integer, luck real, avatar blob);
create table duels (id integer primary key, player integer not null references players (id) on delete cascade, status text not null);
create table audit (player integer, before integer, after integer);
create trigger watched after update of galleons on players when old.galleons <> new.galleons
  begin insert into audit values (old.id, old.galleons, new.galleons); end;
insert into players (id, name, galleons) values (1, 'ada', 100), (2, 'lin', 20), (3, 'mo', 7);
insert into duels values (7, 1, 'active'), (8, 2, 'active'), (9, 3, 'ended');
)";

std::string whole(io::Source& source) {
    std::string text;
    std::string piece(1 << 16, '\0');
    for (std::size_t size = 1; size > 0; text.append(piece, 0, size))
        size = source.read(piece.data(), piece.size()).value();
    return text;
}

struct Scene {
    explicit Scene(const Rig& rig) : rig_(rig), settings(rig.settings(folder.path())) {
        rig.game(settings, schema);
        database = database::open_database(settings).value();
    }
    void game(const std::string& sql) const { rig_.game(settings, sql); }
    Value one(std::string_view sql) const {
        const auto rows = database->query(sql, {});
        INFO(sql << (rows.ok() ? "" : rows.error().why));
        REQUIRE(rows.ok());
        return rows.value().rows.empty() ? Value() : rows.value().rows.at(0).at(0);
    }
    Result<database::Written> write(const std::vector<Change>& changes, std::int64_t step = 1,
                                    std::int64_t token = 1, const std::string& target = "/",
                                    const std::string& run = "RUN1") const {
        return database->write({ .changes = changes, .why = "a test" }, { run, step, target, token },
                               {});
    }
    std::string all() const { return whole(*database->dump({}).value()); }

    Rig rig_;
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    config::ComponentSettings settings;
    std::unique_ptr<database::Database> database;
};

Change update(std::string table, Value::Map key, Value::Map set) {
    return { .kind = ChangeKind::update,
             .table = std::move(table),
             .key = std::move(key),
             .set = std::move(set),
             .add = {},
             .expect = {},
             .business_key = {} };
}
Change insert(std::string table, Value::Map set) {
    return { .kind = ChangeKind::insert,
             .table = std::move(table),
             .key = {},
             .set = std::move(set),
             .add = {},
             .expect = {},
             .business_key = {} };
}
Change removal(std::string table, Value::Map key) {
    return { .kind = ChangeKind::remove,
             .table = std::move(table),
             .key = std::move(key),
             .set = {},
             .add = {},
             .expect = {},
             .business_key = {} };
}
Change paid(std::int64_t player, std::int64_t amount, std::string business_key) {
    auto change = update("players", { { "id", player } }, {});
    change.add = { { "galleons", amount } };
    change.business_key = std::move(business_key);
    return change;
}
template <class T> Kind kind_of(const Result<T>& result) {
    REQUIRE_FALSE(result.ok());
    INFO(result.error().why);
    CHECK_FALSE(result.error().why.empty());
    return result.error().kind;
}
const RowChange* row_of(const database::Written& written, std::string_view table) {
    for (const auto& row : written.rows)
        if (row.table == table)
            return &row;
    return nullptr;
}

} // namespace

TEST_CASE("text SQL can only read", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        scene.game("create virtual table notes using fts5 (body); insert into notes values ('stuck "
                   "duel'), ('other');"
                   "create table raw (body text); insert into raw values ('x');");
        SECTION("every way to change something is refused and changes nothing") {
            const auto before = scene.all();
            const auto beside = scene.folder.path() / "beside.db";
            const std::vector<std::string> ways = {
                "update players set galleons = 0",
                "with x as (select 1) update players set galleons = 0",
                "with x (n) as (select 1) insert into audit select n, n, n from x",
                "delete from players",
                "insert into audit values (1, 1, 1) returning player",
                "replace into players (id, name) values (1, 'eve')",
                "insert into notes (notes) values ('optimize')",
                "attach '" + beside.string() + "' as other",
                "vacuum into '" + beside.string() + "'",
                "vacuum",
                "create temp table t (a)",
                "create table t as select * from players",
                "create view v as select 1",
                "create trigger t after insert on audit begin select 1; end",
                "drop table audit",
                "alter table audit add column more",
                "reindex",
                "update sqlite_schema set sql = ''",
                "update sqlite_master set sql = '' where exists (select 1 from json_each('[1]'))",
                "analyze",
                "begin immediate",
                "commit",
                "savepoint a",
                "pragma journal_mode = wal",
                "pragma journal_mode = delete",
                "pragma user_version = 7",
                "pragma writable_schema = on",
                "pragma foreign_keys = off",
                "pragma wal_checkpoint",
                "pragma incremental_vacuum",
                "pragma temp_store_directory = '/tmp'",
                "select * from pragma_user_version(7)",
                "select * from pragma_journal_mode('wal')",
                "select load_extension('/nowhere.so')",
                "select writefile('" + beside.string() + "', 'x')",
                "select readfile('/etc/passwd')",
                "select edit('x')",
                "select fts3_tokenizer('a', x'00')",
                "select 1; delete from players",
                "select 1; select 2",
                "explain delete from players; delete from players",
                "detach main",
                "",
                ";",
                "-- nothing",
            };
            for (const auto& way : ways) {
                CAPTURE(way);
                const auto kind = kind_of(scene.database->query(way, {}));
                CHECK((kind == Kind::denied || kind == Kind::usage));
            }
            CHECK(kind_of(scene.database->query("delete from players", {})) == Kind::denied);
            CHECK(scene.all() == before);
            CHECK_FALSE(io::is_there(beside));
        }
        SECTION("a trial's reads are held to the same") {
            const auto trial = scene.database->begin_trial(scene.folder.path()).value();
            CHECK(kind_of(trial->query("delete from players", {})) == Kind::denied);
            CHECK(kind_of(trial->query("pragma user_version = 7", {})) == Kind::denied);
            CHECK_FALSE(trial->query("update sqlite_master set sql = ''", {}).ok());
            CHECK(trial->query("select count(*) from players", {}).value().rows[0][0] == Value(3));
        }
        SECTION("all that reads is allowed") {
            CHECK(scene.one(
                      "with recursive n (i) as (select 1 union all select i + 1 from n where i < 9) "
                      "select sum(i) from n") == Value(45));
            CHECK(scene.one("values (4)") == Value(4));
            CHECK(scene.one("select count(*) from pragma_table_info('players')") == Value(7));
            CHECK(scene.one("select body from notes where notes match 'stuck'") == Value("stuck duel"));
            CHECK(scene.one("select count(*) from sqlite_schema where name = 'audit'") == Value(1));
            CHECK(scene.one("select name from players where id = 1 -- which one") == Value("ada"));
            CHECK(scene.one("select name from players where id = 1;") == Value("ada"));
            CHECK(scene.one("select json_extract('{\"a\": 5}', '$.a')") == Value(5));
            CHECK_FALSE(scene.database->query("explain query plan select * from players", {})
                            .value()
                            .rows.empty());
        }
        SECTION("values come back as they are, and parameters are no SQL") {
            const auto found = scene.database
                                   ->query("select ? as a, ? as b, ? as c, ? as d, ? as e",
                                           { nullptr, INT64_MIN, 0.5, "'; drop table players",
                                             Blob{ std::string("\0\xff", 2) } })
                                   .value();
            CHECK(found.columns == std::vector<std::string>{ "a", "b", "c", "d", "e" });
            CHECK(found.rows.at(0) == std::vector<Value>{ nullptr, INT64_MIN, 0.5,
                                                          "'; drop table players",
                                                          Blob{ std::string("\0\xff", 2) } });
            CHECK(kind_of(scene.database->query("select ?", {})) == Kind::usage);
            CHECK(kind_of(scene.database->query("select ?", { Value::List{} })) == Kind::usage);
        }
        SECTION("an answer that is too large is refused, not held") {
            const std::string many = "with recursive n (i) as (select 1 union all select i + 1 from n) "
                                     "select i, 'some text that makes it large' from n";
            CHECK(kind_of(scene.database->query(many, {})) == Kind::usage);
            CHECK(kind_of(scene.database->query("select zeroblob(5000000)", {})) == Kind::usage);
            CHECK(kind_of(scene.database->query("select zeroblob(900000000)", {})) == Kind::usage);
        }
        SECTION("a mistake is the runbook's, with what the engine says") {
            const auto fault = scene.database->query("select nosuch from players", {});
            CHECK(kind_of(fault) == Kind::usage);
            CHECK_THAT(fault.error().why, Catch::Contains("nosuch"));
        }
    }
}

TEST_CASE("structured writes change what they say, or nothing", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        SECTION("update, insert and delete in one write tell every row before and after") {
            auto end = update("duels", { { "id", 7 } }, { { "status", "ended" } });
            end.expect = { { "status", "active" } };
            const auto written =
                scene
                    .write({ end, insert("duels", { { "player", 1 }, { "status", "new" } }),
                             removal("duels", { { "id", 9 } }) })
                    .value();
            REQUIRE(written.rows.size() == 3);
            CHECK(written.rows[0] ==
                  RowChange{ "duels",
                             { { "id", 7 } },
                             { { "id", 7 }, { "player", 1 }, { "status", "active" } },
                             { { "id", 7 }, { "player", 1 }, { "status", "ended" } },
                             true });
            CHECK(written.rows[1].before.empty());
            CHECK(written.rows[1].after ==
                  Value::Map{ { "id", 10 }, { "player", 1 }, { "status", "new" } });
            CHECK(written.rows[2].after.empty());
            CHECK(written.rows[2].before ==
                  Value::Map{ { "id", 9 }, { "player", 3 }, { "status", "ended" } });
            CHECK(
                scene.one(
                    "select group_concat(id || status, ',') from (select * from duels order by id)") ==
                Value("7ended,8active,10new"));
        }
        SECTION("an expected value that is not there is `moved`, and nothing of the write is done") {
            const auto before = scene.all();
            auto stale = update("players", { { "id", 2 } }, { { "galleons", 70 } });
            stale.expect = { { "galleons", 21 } };
            const auto refused = scene.write({ removal("duels", { { "id", 9 } }), stale });
            CHECK(kind_of(refused) == Kind::moved);
            CHECK_THAT(refused.error().why, Catch::Contains("20") && Catch::Contains("21"));
            CHECK(scene.all() == before);
            CHECK(kind_of(scene.write(
                      { update("players", { { "id", 99 } }, { { "galleons", 1 } }) })) == Kind::moved);
            auto gone = removal("duels", { { "id", 9 } });
            gone.expect = { { "status", "active" } };
            CHECK(kind_of(scene.write({ gone })) == Kind::moved);
            CHECK(scene.all() == before);
        }
        SECTION("null is expected as null") {
            auto seen = update("players", { { "id", 1 } }, { { "seen_at", "today" } });
            seen.expect = { { "seen_at", nullptr } };
            REQUIRE(scene.write({ seen }).ok());
            CHECK(kind_of(scene.write({ seen }, 2)) == Kind::moved);
        }
        SECTION("a key must name exactly one row") {
            const auto before = scene.all();
            CHECK(kind_of(scene.write({ update("duels", { { "status", "active" } },
                                               { { "status", "ended" } }) })) == Kind::script);
            CHECK(kind_of(scene.write({ removal("duels", { { "status", "active" } }) })) ==
                  Kind::script);
            CHECK(kind_of(scene.write({ removal("duels", {}) })) == Kind::script);
            CHECK(kind_of(scene.write({ update("duels", { { "id", 7 } }, {}) })) == Kind::script);
            CHECK(scene.all() == before);
        }
        SECTION("an unknown column or table is told with the nearest name") {
            const auto fault =
                scene.write({ update("players", { { "id", 1 } }, { { "galleon", 1 } }) });
            CHECK(kind_of(fault) == Kind::script);
            CHECK_THAT(fault.error().fix, Catch::Contains("galleons"));
            auto expecting = update("players", { { "id", 1 } }, { { "galleons", 1 } });
            expecting.expect = { { "nam", "ada" } };
            CHECK(kind_of(scene.write({ expecting })) == Kind::script);
            const auto wrong = scene.write({ removal("Players", { { "id", 1 } }) });
            CHECK(kind_of(wrong) == Kind::missing);
            CHECK_THAT(wrong.error().fix, Catch::Contains("players"));
        }
        SECTION("amounts are added whole, and overflow is refused") {
            CHECK(scene.write({ paid(1, 50, "") }).value().rows.at(0).after.at("galleons") ==
                  Value(150));
            CHECK(kind_of(scene.write({ paid(1, INT64_MAX, "") }, 2)) == Kind::script);
            auto half = paid(1, 1, "");
            half.add = { { "galleons", 0.5 } };
            CHECK(kind_of(scene.write({ half }, 2)) == Kind::script);
            half.add = { { "luck", 1 } }; // null
            CHECK(kind_of(scene.write({ half }, 2)) == Kind::script);
            CHECK(scene.one("select galleons from players where id = 1") == Value(150));
        }
        SECTION("the game's own rules refuse, and nothing is done") {
            const auto before = scene.all();
            CHECK(kind_of(scene.write({ paid(2, 5, ""), paid(1, -101, "") })) == Kind::conflict);
            CHECK(kind_of(scene.write({ insert("duels", { { "player", 77 }, { "status", "x" } }) })) ==
                  Kind::conflict);
            CHECK(kind_of(scene.write({ insert("players", { { "name", "ada" } }) })) == Kind::conflict);
            CHECK(scene.all() == before);
        }
        SECTION("the moment of the write is a number or a text, as the column wants it") {
            const auto earlier = now().microseconds / 1'000'000;
            REQUIRE(scene
                        .write({ update(
                            "players", { { "id", 1 } },
                            { { "seen_at", Symbol{ "now" } }, { "seen_number", Symbol{ "now" } } }) })
                        .ok());
            const auto number = *scene.one("select seen_number from players where id = 1").integer();
            CHECK(number >= earlier);
            CHECK(number <= now().microseconds / 1'000'000);
            const auto text = *scene.one("select seen_at from players where id = 1").text();
            CHECK(from_rfc3339(text).value().microseconds / 1'000'000 == number);
            CHECK(kind_of(scene.write(
                      { update("players", { { "id", 1 } }, { { "seen_at", Symbol{ "new id" } } }) },
                      2)) == Kind::script);
        }
        SECTION("what triggers and cascades did is told too, as not asked for") {
            const auto written =
                scene.write({ paid(1, 50, ""), removal("players", { { "id", 2 } }) }).value();
            const auto* line = row_of(written, "audit");
            REQUIRE(line);
            CHECK_FALSE(line->asked);
            CHECK(line->after == Value::Map{ { "after", 150 }, { "before", 100 }, { "player", 1 } });
            const auto* duel = row_of(written, "duels");
            REQUIRE(duel);
            CHECK_FALSE(duel->asked);
            CHECK(duel->key == Value::Map{ { "id", 8 } });
            CHECK(duel->after.empty());
            CHECK(row_of(written, "players")->asked);
            CHECK(written.rows.size() == 4);
        }
        SECTION("two changes of one row are one: from the first before to the last after") {
            const auto written = scene.write({ paid(1, 50, ""), paid(1, 5, "") }).value();
            REQUIRE(row_of(written, "players"));
            CHECK(row_of(written, "players")->before.at("galleons") == Value(100));
            CHECK(row_of(written, "players")->after.at("galleons") == Value(155));
        }
        SECTION("a change that the game's trigger swallows is refused, not believed") {
            scene.game("create trigger frozen before update on duels when old.status = 'ended' "
                       "begin select raise(ignore); end;");
            auto swallowed =
                scene.write({ paid(3, 5, "refund:9"),
                              update("duels", { { "id", 9 } }, { { "status", "active" } }) });
            CHECK(kind_of(swallowed) == Kind::conflict);
            CHECK(scene.one("select galleons from players where id = 3") == Value(7));
            scene.game("create trigger still before delete on duels begin select raise(ignore); end;"
                       "create trigger full before insert on duels begin select raise(ignore); end;");
            CHECK(kind_of(scene.write({ removal("duels", { { "id", 7 } }) })) == Kind::conflict);
            CHECK(kind_of(scene.write({ insert("duels", { { "player", 1 }, { "status", "x" } }) })) ==
                  Kind::conflict);
        }
        SECTION("respawn's own tables and the engine's are not the game's") {
            REQUIRE(scene.write({ paid(1, 50, "") }).ok());
            CHECK(kind_of(scene.write({ removal("respawn_markers", { { "number", 1 } }) }, 2)) ==
                  Kind::denied);
            CHECK_FALSE(scene.write({ removal("Respawn_Markers", { { "number", 1 } }) }, 2).ok());
            CHECK(kind_of(scene.write(
                      { update("sqlite_schema", { { "name", "players" } }, { { "sql", "" } }) }, 2)) ==
                  Kind::denied);
        }
    }
}

TEST_CASE("a write's marker commits with it", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        SECTION("what a step wrote is found again, and what it did not is not") {
            CHECK_FALSE(scene.database->find_written("RUN1", 1).value());
            CHECK(scene.database->marker_state().value().incarnation.empty());
            const auto written = scene.write({ paid(1, 50, "") }, 4).value();
            const auto found = scene.database->find_written("RUN1", 4).value();
            REQUIRE(found);
            CHECK(found->rows == written.rows);
            CHECK_FALSE(scene.database->find_written("RUN1", 5).value());
            CHECK_FALSE(scene.database->find_written("RUN2", 4).value());
            const auto first = scene.database->marker_state().value();
            CHECK_FALSE(first.incarnation.empty());
            REQUIRE(scene.write({ paid(1, 5, "") }, 5).ok());
            const auto second = scene.database->marker_state().value();
            CHECK(second.incarnation == first.incarnation);
            CHECK(second.highest > first.highest);
        }
        SECTION("one step commits once") {
            REQUIRE(scene.write({ paid(1, 50, "") }).ok());
            CHECK_FALSE(scene.write({ paid(1, 50, "") }).ok());
            CHECK(scene.one("select galleons from players where id = 1") == Value(150));
        }
        SECTION("a refused write leaves no marker") {
            CHECK_FALSE(scene.write({ paid(1, -500, "pay:1") }).ok());
            CHECK_FALSE(scene.database->find_written("RUN1", 1).value());
            CHECK(scene.write({ paid(1, 50, "pay:1") }).ok());
        }
        SECTION("a business key happens once, ever; the second is told whose the first was") {
            REQUIRE(scene.write({ paid(1, 50, "refund:duel:7") }).ok());
            const auto again =
                scene.write({ paid(2, 1, ""), paid(1, 50, "refund:duel:7") }, 1, 9, "/", "RUN2");
            CHECK(kind_of(again) == Kind::conflict);
            CHECK_THAT(again.error().why, Catch::Contains("RUN1") && Catch::Contains("refund:duel:7"));
            CHECK(scene.one("select sum(galleons) from players") == Value(177));
            const auto trial = scene.database->begin_trial(scene.folder.path()).value();
            CHECK(kind_of(trial->write({ .changes = { paid(1, 50, "refund:duel:7") }, .why = "x" })) ==
                  Kind::conflict);
            CHECK(kind_of(scene.write({ paid(1, 1, "twice"), paid(2, 1, "twice") }, 3, 9)) ==
                  Kind::script);
        }
        SECTION("who was overtaken may not write, whether above, below or beside") {
            REQUIRE(scene.write({ paid(1, 1, "") }, 1, 5, "/duel:7/").ok());
            CHECK(kind_of(scene.write({ paid(1, 1, "") }, 2, 4, "/duel:7/", "OLD")) == Kind::leased);
            CHECK(kind_of(scene.write({ paid(1, 1, "") }, 2, 4, "/", "OLD")) == Kind::leased);
            CHECK(kind_of(scene.write({ paid(1, 1, "") }, 2, 4, "/duel:7/round:1/", "OLD")) ==
                  Kind::leased);
            CHECK(scene.write({ paid(1, 1, "") }, 2, 4, "/duel:77/", "OLD").ok());
            CHECK(scene.write({ paid(1, 1, "") }, 3, 5, "/duel:7/").ok());
            CHECK(scene.one("select galleons from players where id = 1") == Value(103));
        }
        SECTION("an approval sees the rows before the commit, and its refusal takes all back") {
            const auto before = scene.all();
            bool asked = false;
            const auto refused = scene.database->write(
                { .changes = { paid(1, 50, "k") }, .why = "x" }, { "RUN1", 1, "/", 1 },
                [&](const database::Written& written) -> Result<void> {
                    asked = row_of(written, "players")->after.at("galleons") == Value(150);
                    CHECK(scene.one("select galleons from players where id = 1") == Value(100));
                    return Error{ .kind = Kind::moved, .why = "not what was shown" };
                });
            CHECK(asked);
            CHECK(kind_of(refused) == Kind::moved);
            CHECK(scene.all() == before);
        }
        SECTION("a lock that the game holds is `unavailable`, and nothing is done") {
            auto game =
                SqliteConnection::open(scene.settings.path, SqliteConnection::Access::read_write)
                    .value();
            REQUIRE(game.run("begin immediate").ok());
            CHECK(kind_of(scene.write({ paid(1, 50, "") })) == Kind::unavailable);
            REQUIRE(game.run("rollback").ok());
            CHECK(scene.write({ paid(1, 50, "") }).ok());
        }
    }
}

TEST_CASE("a trial shows what a write would do and leaves the live data byte for byte", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        const auto mode = GENERATE("delete", "wal");
        scene.game(std::string("pragma journal_mode = ") + mode + ";");
        const auto before = io::read_file(scene.settings.path).value();
        {
            const auto scratch = io::TemporaryFolder::make(scene.folder.path()).value();
            const auto trial = scene.database->begin_trial(scratch.path()).value();
            CHECK(trial->copied_bytes() > 0);
            const auto written = trial->write({ .changes = { paid(1, 50, "k") }, .why = "x" }).value();
            CHECK(row_of(written, "players")->after.at("galleons") == Value(150));
            CHECK(trial->query("select galleons from players where id = 1", {}).value().rows[0][0] ==
                  Value(150));
            CHECK(kind_of(trial->write({ .changes = { paid(1, -900, "") }, .why = "x" })) ==
                  Kind::conflict);
            CHECK(trial->query("select galleons from players where id = 1", {}).value().rows[0][0] ==
                  Value(150));
            CHECK(scene.one("select galleons from players where id = 1") == Value(100));
        }
        CHECK(io::read_file(scene.settings.path).value() == before);
        std::vector<std::string> left;
        for (const auto& entry : std::filesystem::directory_iterator(scene.folder.path()))
            left.push_back(entry.path().filename());
        CHECK_THAT(join(left, " "), !Catch::Contains("trial"));
    }
}

TEST_CASE("a database whose writer was killed in its commit can be read as it was before",
          "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    if (rig.kind != "sqlite")
        return;
    const Scene scene(rig);
    scene.game(
        "create table many (t text); with recursive n (i) as (select 1 union all select i + 1 from n "
        "where i < 2000) insert into many select 'before ' || i from n;");
    auto settings = scene.settings;
    settings.path = scene.folder.path() / "killed.db";
    {
        auto writer =
            SqliteConnection::open(scene.settings.path, SqliteConnection::Access::read_write).value();
        // A cache this small writes pages to the file before the commit.
        REQUIRE(
            writer.run_script("pragma cache_size = 1; begin; update many set t = 'half done';").ok());
        for (const auto* part : { "", "-journal" })
            std::filesystem::copy_file(scene.settings.path.string() + part,
                                       settings.path.string() + part);
    }
    const auto database = database::open_database(settings).value();
    const auto read = database->query("select count(*) from many where t like 'before%'", {});
    INFO((read.ok() ? "" : read.error().why));
    REQUIRE(read.ok());
    CHECK(read.value().rows[0][0] == Value(2000));
    CHECK(database->marker_state().ok());
}

TEST_CASE("sqlite tables of every kind are written and told rightly", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    if (rig.kind != "sqlite")
        return;
    const auto encoding = GENERATE("UTF-8", "UTF-16");
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    const auto settings = rig.settings(folder.path());
    rig.game(settings, std::string("pragma encoding = '") + encoding + "';" + R"(
        create table seats (hall text, seat integer, taken text, primary key (seat, hall)) without rowid;
        create table prices (taxed integer generated always as (net * 2) virtual, net integer, id integer primary key,
          stored integer generated always as (net + 1) stored, note text);
        create table bare (a text, b blob);
        create view rich as select * from prices where net > 5;
        create table refs (a integer, b text, foreign key (a, b) references seats (seat, hall) on update cascade);
        insert into seats values ('große', 1, 'ada'), ('große', 2, null), ('小', 1, 'lin');
        insert into prices (id, net, note) values (1, 10, 'x'), (2, 1, 'y');
        insert into bare values ('ünï', x'00ff00');
        insert into refs values (1, '小');
    )");
    const auto database = database::open_database(settings).value();
    std::int64_t step = 0;
    const auto write = [&](const Change& change) {
        return database->write({ .changes = { change }, .why = "x" }, { "RUN", ++step, "/", 1 }, {});
    };
    SECTION("without rowid and a composite key") {
        const auto written =
            write(update("seats", { { "hall", "große" }, { "seat", 2 } }, { { "taken", "mo" } }))
                .value();
        CHECK(written.rows.at(0) ==
              RowChange{ "seats",
                         { { "hall", "große" }, { "seat", 2 } },
                         { { "hall", "große" }, { "seat", 2 }, { "taken", nullptr } },
                         { { "hall", "große" }, { "seat", 2 }, { "taken", "mo" } },
                         true });
        CHECK(kind_of(write(update("seats", { { "hall", "große" } }, { { "taken", "mo" } }))) ==
              Kind::script);
    }
    SECTION("a changed key is a row that went and one that came, and cascades follow") {
        const auto written =
            write(update("seats", { { "hall", "小" }, { "seat", 1 } }, { { "seat", 9 } })).value();
        REQUIRE(written.rows.size() == 3);
        CHECK(written.rows[0].after.empty());
        CHECK(written.rows[1].before.empty());
        CHECK(written.rows[1].key == Value::Map{ { "hall", "小" }, { "seat", 9 } });
        CHECK(row_of(written, "refs")->after.at("a") == Value(9));
        CHECK_FALSE(row_of(written, "refs")->asked);
    }
    SECTION("generated columns are not given, and what is told stands under its own name") {
        const auto written = write(update("prices", { { "id", 1 } }, { { "net", 20 } })).value();
        REQUIRE(written.rows.size() == 1);
        CHECK(written.rows[0].before.at("net") == Value(10));
        CHECK(written.rows[0].after.at("net") == Value(20));
        CHECK(written.rows[0].key == Value::Map{ { "id", 1 } });
        CHECK(written.rows[0].after.at("id") == Value(1));
        CHECK(written.rows[0].after.at("note") == Value("x"));
        CHECK_FALSE(written.rows[0].after.contains("taxed"));
        CHECK_FALSE(write(update("prices", { { "id", 1 } }, { { "taxed", 5 } })).ok());
        const auto added = write(insert("prices", { { "net", 3 }, { "note", "z" } })).value();
        CHECK(added.rows.at(0).after.at("net") == Value(3));
        CHECK(added.rows.at(0).after.at("note") == Value("z"));
    }
    SECTION("a table without a key, texts and blobs") {
        const auto written =
            write(update("bare", { { "a", "ünï" } },
                         { { "a", "naïve 小" }, { "b", Blob{ std::string("\0\1", 2) } } }))
                .value();
        CHECK(written.rows.at(0).before ==
              Value::Map{ { "a", "ünï" }, { "b", Blob{ std::string("\0\xff\0", 3) } } });
        CHECK(written.rows.at(0).after ==
              Value::Map{ { "a", "naïve 小" }, { "b", Blob{ std::string("\0\1", 2) } } });
        CHECK(database->query("select a, b from bare", {}).value().rows.at(0) ==
              std::vector<Value>{ "naïve 小", Blob{ std::string("\0\1", 2) } });
    }
}

TEST_CASE("a dump loads with the engine's own client and says the same there", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    if (rig.kind != "sqlite" || std::system("command -v sqlite3 > /dev/null") != 0)
        return;
    const Scene scene(rig);
    scene.game(R"(
        create table seats (hall text, seat integer, primary key (hall, seat)) without rowid;
        create table "odd ""name" ("a b" text, c real, d blob, n integer generated always as (length("a b")));
        create table sqlite2players (a); -- no table of the engine's
        create table counted (id integer primary key autoincrement, t text);
        create virtual table notes using fts5 (body, tokenize = 'porter');
        create virtual table places using rtree (id, x0, x1);
        create view rich as select * from players where galleons > 50;
        create index by_name on players (name collate nocase) where galleons > 0;
        insert into seats values ('a', 1), ('b', 2);
        insert into "odd ""name" values ('it''s
            two lines', 1e999, x'00ff'), ('', -1e999, x''), ('nul' || char(0) || 'after', 1.5, null), (null, 0.1, null), ('tab	', 1e-300, zeroblob(3));
        insert into sqlite2players values ('kept');
        insert into counted (t) values ('x'), ('y'); delete from counted where t = 'y';
        insert into notes values ('a stuck duel');
        insert into places values (1, 0.5, 2.5);
        analyze;
    )");
    const auto text = scene.folder.path() / "dump.sql";
    const auto copy = scene.folder.path() / "copy.db";
    REQUIRE(io::replace_durably(text, scene.all()).ok());
    const auto shell = [&](const std::string& command) {
        return std::system(("cd " + scene.folder.path().string() + " && " + command).c_str());
    };
    REQUIRE(shell("sqlite3 -bail copy.db < dump.sql 2> faults") == 0);
    CHECK(io::read_file(scene.folder.path() / "faults").value().empty());
    REQUIRE(shell("sqlite3 game.db .dump > one.sql && sqlite3 copy.db .dump > two.sql") == 0);
    CHECK(io::read_file(scene.folder.path() / "one.sql").value() ==
          io::read_file(scene.folder.path() / "two.sql").value());
    REQUIRE(shell("for db in game copy; do sqlite3 $db.db 'select hex(\"a b\") from \"odd \"\"name\"' "
                  "> $db.hex; done") == 0);
    CHECK(io::read_file(scene.folder.path() / "game.hex").value() ==
          io::read_file(scene.folder.path() / "copy.hex").value());
    CHECK(shell("test \"$(sqlite3 copy.db \"select body from notes where notes match 'duels'\")\" = 'a "
                "stuck duel'") == 0);

    CHECK(kind_of(scene.database->dump({ "nosuch" })) == Kind::missing);
    const auto part = whole(*scene.database->dump({ "seats" }).value());
    CHECK_THAT(part, Catch::Contains("seats") && !Catch::Contains("players"));
}
