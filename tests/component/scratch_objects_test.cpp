#include <catch2/catch.hpp>

#include "component/scratch_objects.h"

using namespace respawn;
using namespace respawn::component;

TEST_CASE("SQL that names a database is found, however it is written") {
    for (const auto* sql :
         { "select * from game.t", "select * from `game`.`t`", "select * from GAME . t",
           "update `Game` /* here */ . t set a = 1", "select game/*!50000 .t */",
           "select 1 from x, game.t", "select \"game\".\"t\"", "insert into game\n-- no\n.t values (1)",
           "select /*! game */.t", "select * from other join(game.t)", "select `x`.`game`.`t`" })
        CHECK(names_database(sql, "game"));
    for (const auto* sql : { "select game from t", "select * from mygame.t", "select * from game2.t",
                             "select 'game'", "select `game` from t", "select game_x.y", "" })
        CHECK_FALSE(names_database(sql, "game"));
    CHECK(names_database("select * from `ga``me`.t", "ga`me"));
    CHECK(names_database("select * from wizards_of_x.t", "wizards_of_x"));
    CHECK_FALSE(names_database("select * from t", ""));
}

TEST_CASE("a copy gets views and functions that reach nothing else, and nothing that acts") {
    ServerSchema schema{ .database = "game", .charset = "utf8mb4" };
    schema.objects = {
        { .kind = "sequence", .name = "numbers", .create = "CREATE SEQUENCE `numbers`" },
        { .kind = "view",
          .name = "rich",
          .create =
              "CREATE ALGORITHM=UNDEFINED DEFINER=`ro``ot`@`%` SQL SECURITY DEFINER VIEW `rich` AS "
              "select ' SQL SECURITY DEFINER VIEW ' AS `x`" },
        { .kind = "view",
          .name = "asked",
          .create = "CREATE DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW `asked` AS select ' SQL SECURITY "
                    "DEFINER VIEW ' AS `x`" },
        { .kind = "view", .name = "live", .create = "CREATE VIEW `live` AS select * from `game`.`t`" },
        { .kind = "function",
          .name = "f",
          .create = "CREATE DEFINER=`a`@`b` FUNCTION `f`() RETURNS int" },
        { .kind = "trigger", .name = "tr", .create = "CREATE TRIGGER tr" },
        { .kind = "event", .name = "ev", .create = "CREATE EVENT ev" },
        { .kind = "procedure", .name = "p", .create = "CREATE PROCEDURE p() delete from game.t" },
    };
    Notes notes;
    const auto made = harmless_objects(schema, { "game" }, notes);
    REQUIRE(made.objects.size() == 3);
    CHECK(made.charset == "utf8mb4");
    CHECK(made.objects[0].create == "CREATE ALGORITHM=UNDEFINED SQL SECURITY INVOKER VIEW `rich` AS "
                                    "select ' SQL SECURITY DEFINER VIEW ' AS `x`");
    CHECK(made.objects[1].create == "CREATE SQL SECURITY INVOKER VIEW `asked` AS select ' SQL SECURITY "
                                    "DEFINER VIEW ' AS `x`");
    CHECK(made.objects[2].create == "CREATE FUNCTION `f`() RETURNS int");
    CHECK(notes.lines() ==
          std::vector<std::string>{ "view live names the database game: it is not in the copy",
                                    "procedure p names the database game: it is not in the copy",
                                    "not made in a copy: trigger tr, event ev" });
}
