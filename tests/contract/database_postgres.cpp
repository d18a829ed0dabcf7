#include "contract/database_rig.h"

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
            fmt::format("create role {0} login password 'secret'; grant {1} on all tables in schema "
                        "public to {0};",
                        user_, grants));
    }
    ~Login() { scene_.game("drop owned by " + user_ + "; drop role " + user_); }
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
        return url.replace(url.find("postgres@"), 8, user_);
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

TEST_CASE("text SQL on postgres can only read", "[contract]") {
    const Scene scene(rig_of("postgres"));
    scene.game(R"(
        create sequence numbers;
        create function writes() returns int language plpgsql security definer as $$ begin update players set galleons = 0; return 1; end $$;
        create procedure cheat() language sql as $$ update players set galleons = 0 $$;
        create view cheats as select writes() as a;
    )");
    const auto file = (scene.folder.path() / "beside").string();
    const std::vector<std::string> ways = {
        "update players set galleons = 0",
        "delete from players",
        "insert into audit values (1, 1, 1) returning player",
        "with x as (delete from players returning id) select * from x",
        "with x as (select 1) update players set galleons = 0",
        "select 1; delete from players",
        "select 1; select 2",
        "select * into copied from players",
        "select * from players for update",
        "select * from players for  /* /* */ */ update",
        "select * from players for no key update",
        "select * from players for share",
        "select * from players for key share",
        "select nextval('numbers')",
        "select \"nextval\"('numbers')",
        "select pg_catalog.nextval('numbers')",
        "select U&\"nextv\\0061l\"('numbers')",
        "select setval('numbers', 500)",
        "select set_config('statement_timeout', '0', false)",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_xact_lock(1)",
        "select pg_sleep(20)",
        "select pg_notify('a', 'b')",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "select lo_import('/etc/passwd')",
        "select lo_create(5)",
        "select dblink('x', 'delete from players')",
        "select pg_terminate_backend(1)",
        "select pg_reload_conf()",
        "select query_to_xml('delete from players', true, false, '')",
        "select E'\\'', nextval('numbers')--'",
        "select $$'$$, nextval('numbers')",
        "select writes()",
        "select * from cheats",
        "call cheat()",
        "do $$ begin delete from players; end $$",
        "copy players to stdout",
        "copy players to program 'touch " + file + "'",
        "copy (select 1) to '" + file + "'",
        "set transaction read write",
        "set default_transaction_read_only = off",
        "reset all",
        "begin",
        "begin read write",
        "commit",
        "lock table players",
        "listen a",
        "notify a",
        "vacuum",
        "analyze players",
        "explain analyze delete from players",
        "explain (analyze) delete from players",
        "explain (costs off, analyze true) select 1",
        "create table t as select * from players",
        "create temporary table t (a int)",
        "alter table players add column more int",
        "drop table audit",
        "truncate audit",
        "grant all on players to public",
        "prepare a as delete from players",
        "execute a",
        "declare c cursor for select 1",
        "refresh materialized view x",
        "load 'x'",
        "",
        ";",
        "-- nothing",
    };
    const auto before = scene.all();
    for (const auto& way : ways) {
        CAPTURE(way);
        const auto kind = kind_of(scene.database->query(way, {}));
        CHECK((kind == Kind::denied || kind == Kind::usage));
        if (way.find("writes") == std::string::npos && way.find("cheats") == std::string::npos) {
            const auto trial = got(scene.database->begin_trial(scene.folder.path()));
            CHECK_FALSE(trial->query(way, {}).ok());
        }
    }
    CHECK(scene.all() == before);
    CHECK(scene.one("select last_value from numbers") == Value(1));
    CHECK(scene.text("select is_called from numbers") == "false");
    CHECK_FALSE(io::is_there(file));

    SECTION("all that reads is allowed") {
        CHECK(scene.text("with recursive n (i) as (select 1 union all select i + 1 from n where i < 9) "
                         "select sum(i) from n") == "45");
        CHECK(scene.one("values (4)") == Value(4));
        CHECK(scene.one("(select 4)") == Value(4));
        CHECK(scene.one("select 'into'") == Value("into"));
        CHECK(scene.one("select $$for update$$") == Value("for update"));
        CHECK(scene.one("select name from players where id = 1 -- which one; into") == Value("ada"));
        CHECK(scene.one("select name as \"into\" from players where id = 1;") == Value("ada"));
        CHECK(scene.one("select ('{\"a\": 5}'::jsonb ?? 'a')") == Value(true));
        CHECK(scene.one("show server_encoding") == Value("UTF8"));
        CHECK_FALSE(got(scene.database->query("explain select * from players", {})).rows.empty());
        CHECK_FALSE(got(scene.database->query("table players", {})).rows.empty());
    }
}

TEST_CASE("every type of postgres comes back whole, and goes in whole", "[contract]") {
    const Scene scene(rig_of("postgres"));
    scene.game(R"(
        create type mood as enum ('sad', 'glad');
        create table types (id int primary key, big bigint, exact numeric(30, 10), free numeric, single real, twice double precision,
          flag boolean, day date, clock time(3), at timestamp, stamp timestamptz(3), kind mood, doc jsonb, bytes bytea, note text,
          short varchar(5), who uuid, list int[], span interval, twice_big bigint generated always as (id * 2) stored);
        set timezone = 'UTC';
        insert into types (id, big, exact, free, single, twice, flag, day, clock, at, stamp, kind, doc, bytes, note, short, who, list, span)
          values (1, -9223372036854775807, -12345678901234567890.0123456789, 'NaN', 0.1, 'Infinity', true, '2026-11-21', '10:34:05.123',
          '2026-11-21 10:34:05.000001', '2026-11-21 10:34:05.12+00', 'glad', '{"a": 1}', '\x00ff00', 'größe 小', 'abcde',
          '123e4567-e89b-12d3-a456-426655440000', '{1,2}', '1 day');
    )");
    const auto row = got(scene.database->query("select * from types where id = 1", {}));
    const auto at = [&](std::string_view column) {
        const auto found = std::find(row.columns.begin(), row.columns.end(), column);
        REQUIRE(found != row.columns.end());
        return row.rows.at(0).at(static_cast<std::size_t>(found - row.columns.begin()));
    };
    CHECK(at("big") == Value(std::int64_t{ -9223372036854775807 }));
    CHECK(at("exact") == Value("-12345678901234567890.0123456789"));
    CHECK(at("free") == Value("NaN"));
    CHECK(at("single") == Value(static_cast<double>(0.1F)));
    CHECK(at("twice") == Value(HUGE_VAL));
    CHECK(at("flag") == Value(true));
    CHECK(at("day") == Value("2026-11-21"));
    CHECK(at("clock") == Value("10:34:05.123"));
    CHECK(at("at") == Value("2026-11-21 10:34:05.000001"));
    CHECK(at("stamp") == Value("2026-11-21 10:34:05.12+00"));
    CHECK(at("kind") == Value("glad"));
    CHECK(at("doc") == Value("{\"a\": 1}"));
    CHECK(at("bytes") == Value(Blob{ std::string("\0\xff\0", 3) }));
    CHECK(at("note") == Value("größe 小"));
    CHECK(at("who") == Value("123e4567-e89b-12d3-a456-426655440000"));
    CHECK(at("list") == Value("{1,2}"));
    CHECK(at("span") == Value("1 day"));

    SECTION("a row that was read goes in again as it was") {
        const auto removed = got(scene.write({ removal("types", { { "id", 1 } }) }));
        CHECK_FALSE(removed.rows.at(0).before.contains("twice_big"));
        const auto back = got(scene.write({ insert("types", removed.rows[0].before) }, 2));
        CHECK(back.rows.at(0).after == removed.rows[0].before);
        CHECK(got(scene.database->query("select * from types where id = 1", {})).rows == row.rows);
    }
    SECTION("what the column cannot hold whole is refused, and nothing is done") {
        const std::vector<Value::Map> sets = {
            { { "kind", "bad" } },
            { { "note", 0.5 } },
            { { "day", "2026-13-01" } },
            { { "short", "abcdef" } },
            { { "big", "5 apples" } },
            { { "exact", "0.12345678901" } },
            { { "exact", 0.12345678901 } },
            { { "doc", "no document" } },
            { { "big", 0.5 } },
            { { "clock", "soon" } },
            { { "who", "nobody" } },
            { { "note", std::string("a\0b", 3) } },
            { { "flag", 7 } },
        };
        for (const auto& set : sets) {
            CAPTURE(to_text(set));
            const auto refused = scene.write({ update("types", { { "id", 1 } }, set) });
            CHECK((kind_of(refused) == Kind::script || kind_of(refused) == Kind::conflict));
        }
        CHECK(got(scene.database->query("select * from types where id = 1", {})).rows == row.rows);
    }
    SECTION("the moment of the write is in the column's own form") {
        const Symbol clock{ "now" };
        const auto written = got(scene.write(
            { update("types", { { "id", 1 } },
                     { { "at", clock }, { "day", clock }, { "stamp", clock }, { "clock", clock } }) }));
        const auto& after = written.rows.at(0).after;
        CHECK(after.at("at").text()->substr(0, 10) == *after.at("day").text());
        CHECK(scene.text("select abs(extract(epoch from stamp - now())) < 5 from types where id = 1") ==
              "true");
    }
}

TEST_CASE("postgres tells what keys, cascades and triggers changed, whatever they did", "[contract]") {
    const Scene scene(rig_of("postgres"));
    scene.game(R"(
        create table seats (hall text, seat int, taken text, primary key (seat, hall));
        create table refs (a int, b text, id int primary key, foreign key (a, b) references seats (seat, hall) on update cascade on delete set null);
        create table leaves (id int primary key, ref int references refs (id) on delete cascade on update cascade);
        create table bare (a text, b bytea);
        create table totals (id int primary key, n int);
        create table spills (a int primary key);
        create table parts (id int primary key, n int) partition by range (id);
        create table parts_low partition of parts for values from (0) to (100);
        create schema elsewhere; create table elsewhere.things (a int);
        insert into seats values ('große', 1, 'ada'), ('小', 1, 'lin'); insert into refs values (1, '小', 5); insert into leaves values (50, 5), (51, 5);
        insert into bare values ('x', '\x00ff'); insert into totals values (1, 10), (2, 20); insert into spills values (1), (2);
        insert into parts values (1, 1);
        create function count_up() returns trigger language plpgsql as $$ begin
          begin update totals set n = n + 1 where id = 1; exception when others then null; end; return new; end $$;
        create trigger counted after insert on bare for each row execute function count_up();
        create function spill() returns trigger language plpgsql as $$ begin delete from spills where a = 1; return null; end $$;
        create trigger chained after update on totals for each row execute function spill();
        create function freeze() returns trigger language plpgsql as $$ begin return null; end $$;
        create trigger frozen before update or delete on leaves for each row when (old.id = 51) execute function freeze();
        create function reach() returns trigger language plpgsql as $$ begin insert into elsewhere.things values (1); return new; end $$;
        create trigger reaching after insert on seats for each row execute function reach();
        create view rich as select * from players where galleons > 50;
    )");
    SECTION("a changed key is a row that went and one that came, and cascades follow") {
        const auto written = got(
            scene.write({ update("seats", { { "hall", "小" }, { "seat", 1 } }, { { "seat", 9 } }) }));
        REQUIRE(written.rows.size() == 3);
        CHECK(written.rows[0].after.empty());
        CHECK(written.rows[1].before.empty());
        CHECK(written.rows[1].key == Value::Map{ { "hall", "小" }, { "seat", 9 } });
        CHECK(row_of(written, "refs")->before.at("a") == Value(1));
        CHECK(row_of(written, "refs")->after.at("a") == Value(9));
        CHECK_FALSE(row_of(written, "refs")->asked);
    }
    SECTION("a removal sets null, or removes, down the line") {
        const auto set_null =
            got(scene.write({ removal("seats", { { "hall", "小" }, { "seat", 1 } }) }));
        CHECK(row_of(set_null, "refs")->after.at("b") == Value());
        scene.game("drop trigger frozen on leaves");
        const auto removed = got(scene.write({ removal("refs", { { "id", 5 } }) }, 2));
        CHECK(removed.rows.size() == 3);
        CHECK(row_of(removed, "leaves")->after.empty());
        CHECK(scene.one("select count(*) from leaves") == Value(0));
    }
    SECTION("triggers are followed to the end, also from inside of a block") {
        const auto written = got(scene.write({ insert("bare", { { "a", "y" }, { "b", nullptr } }) }));
        REQUIRE(written.rows.size() == 3);
        CHECK(row_of(written, "totals")->before.at("n") == Value(10));
        CHECK(row_of(written, "totals")->after.at("n") == Value(11));
        CHECK(row_of(written, "spills")->after.empty());
        CHECK(row_of(written, "spills")->before.at("a") == Value(1));
        CHECK_FALSE(row_of(written, "spills")->asked);
    }
    SECTION("the second write of a trial tells its own part") {
        const auto trial = got(scene.database->begin_trial(scene.folder.path()));
        REQUIRE(trial->write({ .changes = { insert("bare", { { "a", "y" } }) }, .why = "x" }).ok());
        const auto second =
            got(trial->write({ .changes = { insert("bare", { { "a", "z" } }) }, .why = "x" }));
        REQUIRE(second.rows.size() == 2);
        CHECK(row_of(second, "totals")->before.at("n") == Value(11));
        CHECK(row_of(second, "totals")->after.at("n") == Value(12));
    }
    SECTION("a table without a key, and one in parts") {
        const auto written =
            got(scene.write({ update("bare", { { "a", "x" } }, { { "a", "z" }, { "b", Blob{ "1" } } }),
                              update("parts", { { "id", 1 } }, { { "n", 2 } }) }));
        REQUIRE(written.rows.size() == 2);
        CHECK(written.rows[0].before ==
              Value::Map{ { "a", "x" }, { "b", Blob{ std::string("\0\xff", 2) } } });
        CHECK(written.rows[0].after == Value::Map{ { "a", "z" }, { "b", Blob{ "1" } } });
        CHECK(written.rows[1].table == "parts");
    }
    SECTION("what a trigger swallows is refused, and so is what cannot be shown") {
        CHECK(kind_of(scene.write({ update("leaves", { { "id", 51 } }, { { "ref", nullptr } }) })) ==
              Kind::conflict);
        CHECK(kind_of(scene.write({ removal("leaves", { { "id", 51 } }) })) == Kind::conflict);
        CHECK(kind_of(scene.write({ insert("seats", { { "hall", "x" }, { "seat", 3 } }) })) ==
              Kind::unsupported);
        CHECK(kind_of(scene.write({ update("rich", { { "id", 1 } }, { { "galleons", 70 } }) })) ==
              Kind::unsupported);
        CHECK(scene.one("select count(*) from elsewhere.things") == Value(0));
    }
}

TEST_CASE("postgres's refusals are told by their kind, without secrets", "[contract]") {
    const Scene scene(rig_of("postgres"));
    auto settings = scene.settings;
    SECTION("a wrong password, an unknown login, an unknown database, nobody there") {
        settings.password = Secret("test", "wrong-secret");
        CHECK(read_kind(settings) == Kind::denied);
        settings = scene.settings;
        settings.url = "postgresql://nobody" + settings.url.substr(settings.url.find('@'));
        CHECK(read_kind(settings) == Kind::denied);
        settings.url = scene.settings.url + "_gone";
        settings.password = scene.settings.password;
        CHECK(read_kind(settings) == Kind::missing);
        settings.url = "postgresql://postgres@127.0.0.1:1/x";
        CHECK(read_kind(settings) == Kind::unavailable);
        settings.url = "postgresql://postgres@no-such-host.invalid/x";
        CHECK(read_kind(settings) == Kind::unavailable);
        settings.url = "postgresql://postgres@/x?socket=/nowhere";
        CHECK(read_kind(settings) == Kind::unavailable);
    }
    SECTION("a URL that is none says what is wrong") {
        for (const auto* url :
             { "mysql://a@b/c", "postgresql://b/c", "postgresql://a@b", "postgresql://a@b/",
               "postgresql://a@b:0/c", "postgresql://a@b:port/c", "postgresql://a@/c",
               "postgresql://a@b/c?x=1", "postgresql://a@b/c?socket=/s", "postgresql://a@b/c%00d" }) {
            CAPTURE(url);
            settings.url = url;
            CHECK(kind_of(database::open_database(settings)) == Kind::usage);
        }
    }
    SECTION("by the socket") {
        const auto database = settings.url.substr(settings.url.rfind('/') + 1);
        settings.url = "postgresql://postgres@:" + shared_server("postgres").at("PORT") + "/" +
                       database + "?socket=" + shared_server("postgres").at("SOCKET_DIR");
        const auto opened = got(database::open_database(settings));
        CHECK(got(opened->query("select count(*) from players", {})).rows[0][0] == Value(3));
        CHECK_THAT(whole(*got(opened->dump({ "duels" }))), Catch::Contains("active"));
    }
    SECTION("TLS is proved or refused") {
        const auto tls = shared_folder("postgres") / "tls";
        settings.tls = "required";
        CHECK(got(got(database::open_database(settings))
                      ->query("select ssl from pg_stat_ssl where pid = pg_backend_pid()", {}))
                  .rows[0][0] == Value(true));
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
            const Login reader(scene, "select");
            auto reading = reader.settings();
            const auto database = got(database::open_database(reading));
            CHECK(got(database->query("select count(*) from players", {})).rows[0][0] == Value(3));
            CHECK(kind_of(database->write({ .changes = { paid(1, 1, "") }, .why = "x" },
                                          { "R", 1, "/", 1 }, {})) == Kind::denied);
            const auto lacks = got(database->find_lacks());
            REQUIRE(lacks.size() == 2); // it may not make tables either
            CHECK_THAT(lacks[0].why, Catch::Contains("players") && Catch::Contains("write"));
            CHECK_THAT(lacks[0].fix, Catch::Contains("GRANT"));
            auto apart = scene.settings;
            apart.reader = reader.url();
            apart.reader_password = Secret("test", "secret");
            const auto both = got(database::open_database(apart));
            CHECK(got(both->find_lacks()).empty());
            CHECK(got(both->query("select current_user::text", {})).rows[0][0] != Value("postgres"));
        }
        const Login writer(scene, "all");
        auto apart = scene.settings;
        apart.reader = writer.url();
        apart.reader_password = Secret("test", "secret");
        const auto lacks = got(got(database::open_database(apart))->find_lacks());
        REQUIRE(lacks.size() == 1);
        CHECK_THAT(lacks[0].why, Catch::Contains("more than read"));
        apart.reader = "postgresql://someone@127.0.0.1:1/x";
        CHECK(kind_of(database::open_database(apart)) == Kind::usage);
    }
}

TEST_CASE("a postgres connection that was dropped is made anew, or says that nothing was changed",
          "[contract]") {
    const Scene scene(rig_of("postgres"));
    const auto kill_others = [&] {
        const auto name = scene.settings.url.substr(scene.settings.url.rfind('/') + 1);
        const auto game = scene.game_session();
        (void)game->run(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ? and pid <> "
            "pg_backend_pid()",
            { name });
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

TEST_CASE("writes of postgres that lock each other out all happen, each once", "[contract]") {
    const Scene scene(rig_of("postgres"));
    REQUIRE(scene.write({ paid(1, 0, "") }).ok()); // makes the tables
    SECTION("a deadlock with the game is tried again") {
        const auto game = scene.game_session();
        REQUIRE(game->run("begin").ok());
        REQUIRE(game->run("update players set galleons = galleons + 1 where id = 2").ok());
        Result<void> other;
        std::thread player([&] { // waits for the row that the write holds, which waits for this one's
            for (int i = 0; i < 200; ++i) {
                const auto watcher = scene.game_session();
                if (watcher
                        ->value("select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
                                "and datname = current_database()")
                        .value() != Value(0))
                    break;
            }
            other = game->run("update players set galleons = galleons + 1 where id = 1");
            (void)game->run(other.ok() ? "commit" : "rollback");
        });
        const auto written = scene.write({ paid(1, 50, ""), paid(2, 50, "") }, 2);
        player.join();
        INFO((written.ok() ? "" : written.error().why));
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

TEST_CASE("a postgres server that crashes in a write, or takes none, leaves it done or not done",
          "[contract]") {
    OwnServer server("postgres");
    config::ComponentSettings own{ .name = "game", .kind = "postgres" };
    own.url =
        fmt::format("postgresql://postgres@127.0.0.1:{}/respawn_test", server.variables().at("PORT"));
    own.password = Secret("test", server.variables().at("PASSWORD"));
    Rig rig = rig_of("postgres");
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

    scene.game("create role looker login password 'secret'");
    own.url.replace(own.url.find("postgres@"), 8, "looker");
    own.password = Secret("test", "secret");
    const auto limited = got(database::open_database(own));
    CHECK(kind_of(limited->write({ .changes = { paid(1, 50, "") }, .why = "x" }, { "RUN1", 3, "/", 1 },
                                 {})) == Kind::denied);
}
