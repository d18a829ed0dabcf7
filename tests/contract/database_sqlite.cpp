#include "contract/database_rig.h"

using namespace respawn;
using namespace respawn::testing;

TEST_CASE("text SQL on sqlite can only read", "[contract]") {
    const Scene scene(rig_of("sqlite"));
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
    SECTION("all that reads is allowed") {
        CHECK(scene.one("with recursive n (i) as (select 1 union all select i + 1 from n where i < 9) "
                        "select sum(i) from n") == Value(45));
        CHECK(scene.one("values (4)") == Value(4));
        CHECK(scene.one("select count(*) from pragma_table_info('players')") == Value(7));
        CHECK(scene.one("select body from notes where notes match 'stuck'") == Value("stuck duel"));
        CHECK(scene.one("select count(*) from sqlite_schema where name = 'audit'") == Value(1));
        CHECK(scene.one("select name from players where id = 1 -- which one") == Value("ada"));
        CHECK(scene.one("select name from players where id = 1;") == Value("ada"));
        CHECK(scene.one("select json_extract('{\"a\": 5}', '$.a')") == Value(5));
        CHECK_FALSE(
            scene.database->query("explain query plan select * from players", {}).value().rows.empty());
    }
}

TEST_CASE("a database whose writer was killed in its commit can be read as it was before",
          "[contract]") {
    const auto& rig = rig_of("sqlite");
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
    const auto& rig = rig_of("sqlite");
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
        CHECK_FALSE(written.rows[0].after.contains("stored"));
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

TEST_CASE("a change that sqlite's trigger swallows is refused, not believed", "[contract]") {
    const Scene scene(rig_of("sqlite"));
    scene.game("create trigger frozen before update on duels when old.status = 'ended' "
               "begin select raise(ignore); end;");
    auto swallowed = scene.write(
        { paid(3, 5, "refund:9"), update("duels", { { "id", 9 } }, { { "status", "active" } }) });
    CHECK(kind_of(swallowed) == Kind::conflict);
    CHECK(scene.one("select galleons from players where id = 3") == Value(7));
    scene.game("create trigger still before delete on duels begin select raise(ignore); end;"
               "create trigger full before insert on duels begin select raise(ignore); end;");
    CHECK(kind_of(scene.write({ removal("duels", { { "id", 7 } }) })) == Kind::conflict);
    CHECK(kind_of(scene.write({ insert("duels", { { "player", 1 }, { "status", "x" } }) })) ==
          Kind::conflict);
    CHECK(kind_of(scene.write({ update("sqlite_schema", { { "name", "players" } }, { { "sql", "" } }) },
                              2)) == Kind::denied);
}

TEST_CASE("a trial on sqlite leaves the file byte for byte", "[contract]") {
    const auto& rig = rig_of("sqlite");
    const Scene scene(rig);
    {
        const auto mode = GENERATE("delete", "wal");
        scene.game(std::string("pragma journal_mode = ") + mode + ";");
        const auto before = io::read_file(scene.settings.path).value();
        {
            const auto scratch = io::TemporaryFolder::make(scene.folder.path()).value();
            const auto trial = scene.database->begin_trial(scratch.path()).value();
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

TEST_CASE("a trial on sqlite shows one moment, whatever the game writes meanwhile", "[contract]") {
    const Scene scene(rig_of("sqlite"));
    scene.game("pragma journal_mode = wal");
    const auto game = scene.game_session(); // while it is open the WAL does not go into the file
    REQUIRE(game->run("insert into players (id, name, galleons) values (50, 'in the WAL', 7)").ok());
    const auto trial = got(scene.database->begin_trial(scene.folder.path()));
    const auto galleons = [&] {
        return got(trial->query("select galleons from players where id = 50", {})).rows[0][0];
    };
    CHECK(galleons() == Value(7));
    REQUIRE(game->run("update players set galleons = 9 where id = 50").ok());
    CHECK(galleons() == Value(7));
    got(trial->write({ .changes = { paid(50, 1, "k") }, .why = "x" }));
    CHECK(galleons() == Value(8));
    CHECK(scene.one("select galleons from players where id = 50") == Value(9));
}

TEST_CASE("a trial on sqlite can make the database larger and smaller", "[contract]") {
    const Scene scene(rig_of("sqlite"));
    scene.game("pragma auto_vacuum = full; vacuum; create table large (text text);"
               "create trigger grow after update on duels when new.status = 'grow' begin"
               "  insert into large with recursive n (i) as (select 1 union all select i + 1 from n"
               "  where i < 500) select hex(randomblob(2000)) from n; end;"
               "create trigger shrink after update on duels when new.status = 'shrink' begin"
               "  delete from large; end");
    const auto before = io::read_file(scene.settings.path).value();
    {
        const auto trial = got(scene.database->begin_trial(scene.folder.path()));
        const auto rows_after = [&](const char* status) {
            got(trial->write(
                { .changes = { update("duels", { { "id", 7 } }, { { "status", status } }) },
                  .why = "x" }));
            return got(trial->query("select count(*) from large", {})).rows[0][0];
        };
        for (int i = 0; i < 3; ++i) {
            CHECK(rows_after("grow") == Value(500));
            CHECK(rows_after("shrink") == Value(0));
        }
        CHECK(rows_after("grow") == Value(500));
    }
    CHECK(io::read_file(scene.settings.path).value() == before);
}
