#include "contract/database_rig.h"

using namespace respawn;
using namespace respawn::testing;

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
            CHECK(scene.text("select id, status from duels order by id") == "7 ended,8 active,10 new");
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
        SECTION("respawn's own tables and the engine's are not the game's") {
            REQUIRE(scene.write({ paid(1, 50, "") }).ok());
            CHECK(kind_of(scene.write({ removal("respawn_markers", { { "number", 1 } }) }, 2)) ==
                  Kind::denied);
            CHECK_FALSE(scene.write({ removal("Respawn_Markers", { { "number", 1 } }) }, 2).ok());
        }
    }
}
