#include "contract/database_rig.h"

#include "database/mariadb_connection.h"

#include <fmt/format.h>
#include <thread>

using namespace respawn;
using namespace respawn::testing;

namespace {

// A login of its own on the shared server; it goes with its owner.
class Login {
  public:
    Login(const Scene& scene, const std::string& grants) : scene_(scene) {
        const auto database = scene.settings.url.substr(scene.settings.url.rfind('/') + 1);
        user_ = "u" + database.substr(database.size() - 20);
        scene.game(
            fmt::format("create user {0}@'127.0.0.1' identified by 'secret'; grant {1} on {2}.* to "
                        "{0}@'127.0.0.1';",
                        user_, grants, database));
    }
    ~Login() { scene_.game("drop user " + user_ + "@'127.0.0.1'"); }
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;

    config::ComponentSettings settings() const {
        auto own = scene_.settings;
        own.url = url();
        own.password = Secret("test", "secret");
        return own;
    }
    std::string url() const {
        auto url = scene_.settings.url;
        return url.replace(url.find("root"), 4, user_);
    }

  private:
    const Scene& scene_;
    std::string user_;
};

Kind read_kind(const config::ComponentSettings& settings) {
    const auto database = got(database::open_database(settings));
    const auto read = database->query("select 1", {});
    REQUIRE_FALSE(read.ok());
    UNSCOPED_INFO(read.error().why);
    CHECK(read.error().why.find("secret") == std::string::npos);
    return read.error().kind;
}

} // namespace

TEST_CASE("text SQL on mariadb can only read", "[contract]") {
    const Scene scene(rig_of("mariadb"));
    scene.game(R"(
        create sequence numbers;
        create table old (a int) engine=MyISAM;
        delimiter //
        create function writes() returns int modifies sql data begin update players set galleons = 0; return 1; end //
        create function writes_old() returns int modifies sql data begin insert into old values (1); return 1; end //
        create procedure cheat() begin update players set galleons = 0; end //
        delimiter ;
        create view cheats as select writes() as a;
    )");
    const auto file = (scene.folder.path() / "beside").string();
    const std::vector<std::string> ways = {
        "update players set galleons = 0",
        "delete from players",
        "insert into audit values (1, 1, 1) returning player",
        "replace into players (id, name) values (1, 'eve')",
        "select 1; delete from players",
        "select 1; select 2",
        "/*! delete from players */",
        "/*M! delete from players */",
        "select 1 /*!50000 into outfile '" + file + "' */",
        "select 1 --1 into outfile '" + file + "'",
        "select * from players into outfile '" + file + "'",
        "select name from players limit 1 into dumpfile '" + file + "'",
        "select name into @a from players limit 1",
        "select * from players for update",
        "select * from players for  /* */ update",
        "select * from players lock in share mode",
        "select get_lock('a', 1)",
        "select GET_LOCK ('a', 1)",
        "select `get_lock`('a', 1)",
        "select sleep(20)",
        "select benchmark(1000000000, sha2('a', 512))",
        "select load_file('/etc/passwd')",
        "select nextval(numbers)",
        "select next value for numbers",
        "select setval(numbers, 500)",
        "select writes()",
        "select writes_old()",
        "select * from cheats",
        "call cheat()",
        "do writes()",
        "set global max_connections = 5",
        "set session transaction read write",
        "begin",
        "start transaction read write",
        "commit",
        "lock tables players write",
        "flush tables",
        "analyze table players",
        "analyze select * from players",
        "optimize table players",
        "create table t as select * from players",
        "create temporary table t (a int)",
        "alter table players add column more int",
        "drop table audit",
        "truncate audit",
        "rename table audit to gone",
        "grant all on *.* to eve",
        "kill 1",
        "shutdown",
        "load data infile '/etc/passwd' into table audit",
        "load data local infile '/etc/passwd' into table audit",
        "prepare a from 'delete from players'",
        "execute immediate 'delete from players'",
        "handler players open",
        "use mysql",
        "show grants",
        "show create user",
        "with x as (select 1) delete from players",
        "explain analyze select 1",
        "",
        ";",
        "-- nothing",
        "# nothing",
    };
    const auto before = scene.all();
    for (const auto& way : ways) {
        CAPTURE(way);
        const auto kind = kind_of(scene.database->query(way, {}));
        CHECK((kind == Kind::denied || kind == Kind::usage));
        const auto trial = got(scene.database->begin_trial(scene.folder.path()));
        if (way.find("writes") == std::string::npos && way.find("cheats") == std::string::npos)
            CHECK_FALSE(trial->query(way, {}).ok());
    }
    CHECK(scene.all() == before);
    CHECK(scene.one("select count(*) from old") == Value(0));
    CHECK_FALSE(io::is_there(file));

    SECTION("all that reads is allowed") {
        CHECK(scene.text("with recursive n (i) as (select 1 union all select i + 1 from n where i < 9) "
                         "select sum(i) from n") == "45");
        CHECK(scene.one("values (4)") == Value(4));
        CHECK(scene.one("(select 4)") == Value(4));
        CHECK(scene.one("select 'into'") == Value("into"));
        CHECK(scene.one("select name from players where id = 1 -- which one; into") == Value("ada"));
        CHECK(scene.one("select name from players where id = 1;") == Value("ada"));
        CHECK(scene.one("select name as `into` from players where id = 1") == Value("ada"));
        CHECK_FALSE(got(scene.database->query("show tables", {})).rows.empty());
        CHECK_FALSE(got(scene.database->query("show create table players", {})).rows.empty());
        CHECK_FALSE(got(scene.database->query("explain select * from players", {})).rows.empty());
        CHECK_FALSE(got(scene.database->query("describe players", {})).rows.empty());
    }
}

TEST_CASE("every type of mariadb comes back whole, and goes in whole", "[contract]") {
    const Scene scene(rig_of("mariadb"));
    scene.game(R"(
        create table types (id int primary key, big bigint, bigger bigint unsigned, exact decimal(30, 10), single float, twice double,
          flag boolean, bits bit(64), day date, clock time(3), at datetime(6), stamp timestamp(3) null, year_ year, kind enum('a', 'b'),
          some set('x', 'y'), doc json, bytes varbinary(20), picture blob, note text, place point, who uuid,
          twice_big bigint as (big * 2) virtual, hidden_ int invisible default 5);
        set time_zone = '+00:00';
        insert into types (id, big, bigger, exact, single, twice, flag, bits, day, clock, at, stamp, year_, kind, some, doc, bytes, picture, note, place, who)
          values (1, -9223372036854775807, 18446744073709551615, -12345678901234567890.0123456789, 0.1, 0.1, true,
          b'1111111111111111111111111111111111111111111111111111111111111111', '2026-11-21', '-838:59:58.999', '2026-11-21 10:34:05.000001',
          '2026-11-21 10:34:05.120', 2026, 'b', 'x,y', '{"a": 1}', x'00ff00', x'', 'größe 小', point(1, 2), '123e4567-e89b-12d3-a456-426655440000');
        set sql_mode = '';
        insert into types (id, day, at, bits) values (2, '0000-00-00', '2026-00-00 00:00:00', 5);
    )");
    const auto row = got(scene.database->query("select * from types where id = 1", {}));
    const auto at = [&](std::string_view column) {
        const auto found = std::find(row.columns.begin(), row.columns.end(), column);
        REQUIRE(found != row.columns.end());
        return row.rows.at(0).at(static_cast<std::size_t>(found - row.columns.begin()));
    };
    CHECK(at("big") == Value(std::int64_t{ -9223372036854775807 }));
    CHECK(at("bigger") == Value("18446744073709551615"));
    CHECK(at("exact") == Value("-12345678901234567890.0123456789"));
    CHECK(at("single") == Value(static_cast<double>(0.1F)));
    CHECK(at("twice") == Value(0.1));
    CHECK(at("flag") == Value(1));
    CHECK(at("bits") == Value("18446744073709551615"));
    CHECK(at("day") == Value("2026-11-21"));
    CHECK(at("clock") == Value("-838:59:58.999"));
    CHECK(at("at") == Value("2026-11-21 10:34:05.000001"));
    CHECK(at("stamp") == Value("2026-11-21 10:34:05.120"));
    CHECK(at("year_") == Value(2026));
    CHECK(at("kind") == Value("b"));
    CHECK(at("some") == Value("x,y"));
    CHECK(at("doc") == Value("{\"a\": 1}"));
    CHECK(at("bytes") == Value(Blob{ std::string("\0\xff\0", 3) }));
    CHECK(at("picture") == Value(Blob{}));
    CHECK(at("note") == Value("größe 小"));
    CHECK(at("who") == Value("123e4567-e89b-12d3-a456-426655440000"));
    REQUIRE(at("place").blob());
    CHECK(scene.text("select day, at, bits from types where id = 2") ==
          "0000-00-00 2026-00-00 00:00:00.000000 5");

    SECTION("a row that was read goes in again as it was") {
        const auto removed = got(scene.write({ removal("types", { { "id", 1 } }) }));
        CHECK_FALSE(removed.rows.at(0).before.contains("twice_big"));
        CHECK(removed.rows[0].before.at("hidden_") == Value(5));
        const auto back = got(scene.write({ insert("types", removed.rows[0].before) }, 2));
        CHECK(back.rows.at(0).after == removed.rows[0].before);
        const auto zero = got(scene.write({ removal("types", { { "id", 2 } }) }, 3));
        CHECK(got(scene.write({ insert("types", zero.rows.at(0).before) }, 4)).rows.at(0).after ==
              zero.rows[0].before);
        CHECK(got(scene.database->query("select * from types where id = 1", {})).rows == row.rows);
    }
    SECTION("what the column cannot hold whole is refused, and nothing is done") {
        const std::vector<Value::Map> sets = {
            { { "year_", 99999 } },       { { "kind", "c" } },
            { { "note", 0.5 } },          { { "bits", -1 } },
            { { "day", "2026-13-01" } },  { { "bytes", Blob{ std::string(21, 'x') } } },
            { { "big", "5 apples" } },    { { "exact", "0.12345678901" } },
            { { "doc", "no document" } }, { { "bigger", -1 } },
            { { "big", 0.5 } },           { { "clock", "soon" } },
        };
        for (const auto& set : sets) {
            CAPTURE(to_text(set));
            const auto refused = scene.write({ update("types", { { "id", 1 } }, set) });
            CHECK((kind_of(refused) == Kind::script || kind_of(refused) == Kind::conflict));
        }
        CHECK(got(scene.database->query("select * from types where id = 1", {})).rows == row.rows);
    }
    SECTION("a key finds no row by what the server would make of it") {
        CHECK(kind_of(scene.write({ removal("players", { { "name", 0 } }) })) == Kind::moved);
        CHECK(kind_of(scene.write({ removal("players", { { "id", "1 or so" } }) })) == Kind::script);
        CHECK(scene.one("select count(*) from players") == Value(3));
    }
    SECTION("the moment of the write is in the column's own form") {
        const Symbol clock{ "now" };
        const auto written = got(scene.write(
            { update("types", { { "id", 1 } },
                     { { "at", clock }, { "day", clock }, { "stamp", clock }, { "clock", clock } }) }));
        const auto& after = written.rows.at(0).after;
        CHECK(after.at("at").text()->substr(0, 10) == *after.at("day").text());
        CHECK(after.at("stamp").text()->size() == 23);
        CHECK(
            scene.one(
                "select abs(timestampdiff(second, at, utc_timestamp())) < 5 from types where id = 1") ==
            Value(1));
    }
}

TEST_CASE("mariadb tells what keys, cascades, triggers and routines changed", "[contract]") {
    const Scene scene(rig_of("mariadb"));
    scene.game(R"(
        create table seats (hall varchar(20), seat int, taken varchar(20), primary key (seat, hall));
        create table refs (a int, b varchar(20), id int primary key, foreign key (a, b) references seats (seat, hall) on update cascade on delete set null);
        create table leaves (id int primary key, ref int, foreign key (ref) references refs (id) on delete cascade on update cascade);
        create table bare (a varchar(20), b varbinary(10));
        create table totals (id int primary key, n int);
        create table old (a int) engine=MyISAM;
        create table spills (a int primary key);
        insert into seats values ('große', 1, 'ada'), ('小', 1, 'lin'); insert into refs values (1, '小', 5); insert into leaves values (50, 5), (51, 5);
        insert into bare values ('x', x'00ff'); insert into totals values (1, 10), (2, 20); insert into spills values (1);
        delimiter //
        create procedure count_up() begin update totals set n = n + 1 where id = 1; end //
        create trigger counted after insert on bare for each row begin call count_up(); end //
        create trigger chained after update on totals for each row begin delete from spills; end //
        create trigger spilled before insert on seats for each row begin insert into old values (1); end //
        delimiter ;
        create view rich as select * from players where galleons > 50;
    )");
    SECTION("a changed key is a row that went and one that came, and cascades follow") {
        const auto written = got(
            scene.write({ update("seats", { { "hall", "小" }, { "seat", 1 } }, { { "seat", 9 } }) }));
        REQUIRE(written.rows.size() == 3);
        CHECK(written.rows[0].after.empty());
        CHECK(written.rows[1].before.empty());
        CHECK(written.rows[1].key == Value::Map{ { "hall", "小" }, { "seat", 9 } });
        CHECK(row_of(written, "refs")->after.at("a") == Value(9));
        CHECK_FALSE(row_of(written, "refs")->asked);
    }
    SECTION("a removal sets null, or removes, down the line") {
        const auto set_null =
            got(scene.write({ removal("seats", { { "hall", "小" }, { "seat", 1 } }) }));
        CHECK(row_of(set_null, "refs")->after.at("b") == Value());
        const auto removed = got(scene.write({ removal("refs", { { "id", 5 } }) }, 2));
        CHECK(removed.rows.size() == 3);
        CHECK(row_of(removed, "leaves")->after.empty());
        CHECK(scene.one("select count(*) from leaves") == Value(0));
    }
    SECTION("triggers are followed through routines and other tables' triggers") {
        const auto written = got(scene.write({ insert("bare", { { "a", "y" }, { "b", nullptr } }) }));
        REQUIRE(written.rows.size() == 3);
        CHECK(row_of(written, "totals")->before.at("n") == Value(10));
        CHECK(row_of(written, "totals")->after.at("n") == Value(11));
        CHECK(row_of(written, "spills")->after.empty());
        CHECK_FALSE(row_of(written, "spills")->asked);
    }
    SECTION("a table without a key") {
        const auto written = got(
            scene.write({ update("bare", { { "a", "x" } }, { { "a", "z" }, { "b", Blob{ "1" } } }) }));
        REQUIRE(written.rows.size() == 1);
        CHECK(written.rows[0].before ==
              Value::Map{ { "a", "x" }, { "b", Blob{ std::string("\0\xff", 2) } } });
        CHECK(written.rows[0].after == Value::Map{ { "a", "z" }, { "b", Blob{ "1" } } });
    }
    SECTION("what a rollback would not take back is refused, also in a trial") {
        for (const auto& change :
             { insert("old", { { "a", 1 } }), insert("seats", { { "hall", "x" }, { "seat", 3 } }),
               update("rich", { { "id", 1 } }, { { "galleons", 70 } }) }) {
            CHECK(kind_of(scene.write({ change })) == Kind::unsupported);
            const auto trial = got(scene.database->begin_trial(scene.folder.path()));
            CHECK(kind_of(trial->write({ .changes = { change }, .why = "x" })) == Kind::unsupported);
        }
        CHECK(scene.one("select count(*) from old") == Value(0));
    }
}

TEST_CASE("mariadb's refusals are told by their kind, without secrets", "[contract]") {
    const Scene scene(rig_of("mariadb"));
    auto settings = scene.settings;
    SECTION("a wrong password, an unknown login, an unknown database, nobody there") {
        settings.password = Secret("test", "wrong-secret");
        CHECK(read_kind(settings) == Kind::denied);
        settings = scene.settings;
        settings.url = "mysql://nobody" + settings.url.substr(settings.url.find('@'));
        CHECK(read_kind(settings) == Kind::denied);
        settings.url = scene.settings.url + "_gone";
        settings.password = scene.settings.password;
        CHECK(read_kind(settings) == Kind::missing);
        settings.url = "mysql://root@127.0.0.1:1/x";
        CHECK(read_kind(settings) == Kind::unavailable);
        settings.url = "mysql://root@no-such-host.invalid/x";
        CHECK(read_kind(settings) == Kind::unavailable);
        settings.url = "mysql://root@/x?socket=/nowhere.sock";
        CHECK(read_kind(settings) == Kind::unavailable);
    }
    SECTION("a URL that is none says what is wrong") {
        for (const auto* url :
             { "postgresql://a@b/c", "mysql://b/c", "mysql://a@b", "mysql://a@b/", "mysql://a@b:0/c",
               "mysql://a@b:port/c", "mysql://a@/c", "mysql://a@b/c?x=1", "mysql://a@b/c?socket=/s",
               "mysql://a@b/c%00d" }) {
            CAPTURE(url);
            settings.url = url;
            CHECK(kind_of(database::open_database(settings)) == Kind::usage);
        }
    }
    SECTION("by the socket") {
        const auto database = settings.url.substr(settings.url.rfind('/') + 1);
        settings.url = "mysql://root@/" + database + "?socket=" + shared_server("mariadb").at("SOCKET");
        const auto opened = got(database::open_database(settings));
        CHECK(got(opened->query("select count(*) from players", {})).rows[0][0] == Value(3));
        CHECK_THAT(whole(*got(opened->dump({ "duels" }))), Catch::Contains("active"));
    }
    SECTION("TLS is proved or refused") {
        const auto tls = shared_folder("mariadb") / "tls";
        settings.tls = "required";
        CHECK(got(got(database::open_database(settings))->query("show status like 'ssl_cipher'", {}))
                  .rows[0][1] != Value(""));
        settings.tls = "verify";
        CHECK(read_kind(settings) == Kind::denied); // signed by nobody that the system knows
        settings.tls_ca = tls / "ca.pem";
        CHECK(read_kind(settings) == Kind::denied); // it is localhost's
        settings.url.replace(settings.url.find("127.0.0.1"), 9, "localhost");
        const auto opened = got(database::open_database(settings));
        CHECK(got(opened->query("select 1", {})).rows[0][0] == Value(1));
        CHECK_THAT(whole(*got(opened->dump({ "duels" }))), Catch::Contains("active"));
        settings.tls_ca = tls / "other.pem";
        CHECK(read_kind(settings) == Kind::denied);
    }
    SECTION(
        "a login that may not write, and a reader that may: both are found before they are needed") {
        {
            const Login reader(scene, "select, show view");
            auto reading = reader.settings();
            const auto database = got(database::open_database(reading));
            CHECK(got(database->query("select count(*) from players", {})).rows[0][0] == Value(3));
            CHECK(kind_of(database->write({ .changes = { paid(1, 1, "") }, .why = "x" },
                                          { "R", 1, "/", 1 }, {})) == Kind::denied);
            const auto lacks = got(database->find_lacks());
            REQUIRE(lacks.size() == 1);
            CHECK_THAT(lacks[0].why, Catch::Contains("INSERT") && Catch::Contains("TRIGGER"));
            CHECK_THAT(lacks[0].fix, Catch::Contains("GRANT"));
            auto apart = scene.settings;
            apart.reader = reader.url();
            apart.reader_password = Secret("test", "secret");
            const auto both = got(database::open_database(apart));
            CHECK(got(both->find_lacks()).empty());
            CHECK(got(both->query("select current_user()", {})).rows[0][0] != Value("root@127.0.0.1"));
        }
        const Login writer(scene, "all");
        auto apart = scene.settings;
        apart.reader = writer.url();
        apart.reader_password = Secret("test", "secret");
        const auto lacks = got(got(database::open_database(apart))->find_lacks());
        REQUIRE(lacks.size() == 1);
        CHECK_THAT(lacks[0].why, Catch::Contains("more than read"));
        apart.reader = "mysql://someone@127.0.0.1:1/x";
        CHECK(kind_of(database::open_database(apart)) == Kind::usage);
    }
}

TEST_CASE("a mariadb connection that was dropped is made anew, or says that nothing was changed",
          "[contract]") {
    const Scene scene(rig_of("mariadb"));
    const auto kill_others = [&] {
        const auto name = scene.settings.url.substr(scene.settings.url.rfind('/') + 1);
        const auto game = scene.game_session();
        for (const auto& row : got(game->rows(
                 "select id from information_schema.processlist where db = ? and id <> connection_id()",
                 { name })))
            (void)game->run("kill " + to_text(row.at("id")));
    };
    REQUIRE(scene.write({ paid(1, 1, "") }).ok());
    CHECK(scene.one("select 1") == Value(1));
    kill_others();
    CHECK(scene.one("select galleons from players where id = 1") == Value(101));
    CHECK(scene.write({ paid(1, 1, "") }, 2).ok());
    CHECK(scene.database->marker_state().value().highest == 2);

    const auto refused =
        scene.database->write({ .changes = { paid(1, 50, "") }, .why = "x" }, { "RUN1", 3, "/", 1 },
                              [&](const database::Written&) -> Result<void> {
                                  kill_others();
                                  return {};
                              });
    CHECK(kind_of(refused) == Kind::unavailable);
    CHECK(scene.one("select galleons from players where id = 1") == Value(102));
    CHECK_FALSE(got(scene.database->find_written("RUN1", 3)));

    const auto trial = got(scene.database->begin_trial(scene.folder.path()));
    REQUIRE(trial->write({ .changes = { paid(1, 50, "k") }, .why = "x" }).ok());
    kill_others(); // as the server does with one that holds its locks too long
    CHECK(got(trial->query("select galleons from players where id = 1", {})).rows[0][0] == Value(152));
}

TEST_CASE("writes of mariadb that lock each other out all happen, each once", "[contract]") {
    const Scene scene(rig_of("mariadb"));
    REQUIRE(scene.write({ paid(1, 0, "") }).ok()); // makes the tables
    SECTION("a deadlock with the game is tried again") {
        const auto game = scene.game_session();
        REQUIRE(game->run("begin").ok());
        REQUIRE(game->run("update players set galleons = galleons + 1 where id = 2").ok());
        Result<void> other;
        std::thread player([&] { // waits for the row that the write holds, which waits for this one's
            for (int i = 0; i < 200; ++i) {
                const auto watcher = scene.game_session();
                if (watcher->value("select count(*) from information_schema.innodb_lock_waits")
                        .value() != Value(0))
                    break;
            }
            other = game->run("update players set galleons = galleons + 1 where id = 1");
            (void)game->run(other.ok() ? "commit" : "rollback");
        });
        const auto written = scene.write({ paid(1, 50, ""), paid(2, 50, "") }, 2);
        player.join();
        CHECK(written.ok());
        CHECK(scene.text("select galleons from players where id < 3 order by id") ==
              (other.ok() ? "151,71" : "150,70"));
    }
    SECTION("two hosts write at once") {
        std::vector<std::thread> hosts;
        std::vector<int> done(2);
        for (int host = 0; host < 2; ++host)
            hosts.emplace_back([&, host] {
                const auto own = database::open_database(scene.settings).value();
                for (int step = 0; step < 20; ++step)
                    if (own->write({ .changes = { paid(host == 0 ? 1 : 2, 1, ""),
                                                  paid(host == 0 ? 2 : 1, 1, "") },
                                     .why = "x" },
                                   { "HOST" + std::to_string(host), step, "/", 1 }, {})
                            .ok())
                        ++done[static_cast<std::size_t>(host)];
            });
        for (auto& host : hosts)
            host.join();
        CHECK(done == std::vector<int>{ 20, 20 });
        CHECK(scene.text("select galleons from players where id < 3 order by id") == "140,60");
        CHECK(scene.database->marker_state().value().highest == 41);
    }
}

TEST_CASE("a mariadb server that crashes in a write, or takes none, leaves it done or not done",
          "[contract]") {
    OwnServer server("mariadb");
    config::ComponentSettings own{ .name = "game", .kind = "mariadb" };
    own.url = fmt::format("mysql://root@127.0.0.1:{}/respawn_test", server.variables().at("PORT"));
    own.password = Secret("test", server.variables().at("PASSWORD"));
    Rig rig = rig_of("mariadb");
    rig.drop = [](const config::ComponentSettings&) {};
    const Scene scene(rig, own);
    REQUIRE(scene.write({ paid(1, 1, "") }).ok());
    const auto crashed =
        scene.database->write({ .changes = { paid(1, 50, "pay:1") }, .why = "x" },
                              { "RUN1", 2, "/", 1 }, [&](const database::Written&) -> Result<void> {
                                  server.crash();
                                  return {};
                              });
    const auto kind = kind_of(crashed);
    CHECK((kind == Kind::unavailable || kind == Kind::unknown));
    CHECK(kind_of(scene.database->query("select 1", {})) == Kind::unavailable);
    server.start();
    CHECK_FALSE(got(scene.database->find_written("RUN1", 2)));
    CHECK(got(scene.database->find_written("RUN1", 1)));
    CHECK(scene.one("select galleons from players where id = 1") == Value(101));
    CHECK(scene.write({ paid(1, 50, "pay:1") }, 2).ok());

    scene.game("create user writer@'127.0.0.1' identified by 'secret'; grant all on respawn_test.* to "
               "writer@'127.0.0.1'; set global read_only = 1;");
    own.url.replace(own.url.find("root"), 4, "writer");
    own.password = Secret("test", "secret");
    const auto limited = got(database::open_database(own));
    const auto refused =
        limited->write({ .changes = { paid(1, 50, "") }, .why = "x" }, { "RUN1", 3, "/", 1 }, {});
    CHECK(kind_of(refused) == Kind::denied);
    CHECK_THAT(refused.error().fix, Catch::Contains("replica"));
    CHECK_THAT(got(limited->find_lacks()).at(0).why, Catch::Contains("read only"));
}
