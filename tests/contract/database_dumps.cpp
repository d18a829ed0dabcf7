#include "contract/database_rig.h"

#include <cstdlib>

using namespace respawn;
using namespace respawn::testing;

TEST_CASE("a dump of sqlite loads with the engine's own client and says the same there", "[contract]") {
    const Scene scene(rig_of("sqlite"));
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
    REQUIRE(io::replace_durably(text, whole(*scene.database->dump({}).value())).ok());
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
