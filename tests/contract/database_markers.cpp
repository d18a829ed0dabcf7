#include "contract/database_rig.h"

using namespace respawn;
using namespace respawn::testing;

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
            CHECK(scene.text("select sum(galleons) from players") == "177");
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
            const auto game = scene.game_session();
            REQUIRE(game->run(scene.in("begin immediate", "begin", "begin")).ok());
            REQUIRE(game->run("update players set galleons = 101 where id = 1").ok());
            CHECK(kind_of(scene.write({ paid(1, 50, "") })) == Kind::unavailable);
            REQUIRE(game->run("rollback").ok());
            CHECK(scene.write({ paid(1, 50, "") }).ok());
        }
    }
}
