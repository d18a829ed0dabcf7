#include "contract/database_rig.h"

using namespace respawn;
using namespace respawn::testing;

TEST_CASE("text SQL can only read", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        SECTION("a trial's reads are held to the same") {
            const auto trial = scene.database->begin_trial(scene.folder.path()).value();
            CHECK(kind_of(trial->query("delete from players", {})) == Kind::denied);
            CHECK(trial->query("select count(*) from players", {}).value().rows[0][0] == Value(3));
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
            CHECK(kind_of(scene.database->query("select ?", { Value(Value::List{}) })) == Kind::usage);
        }
        SECTION("an answer that is too large is refused, not held") {
            const std::string many =
                scene.in("with recursive n (i) as (select 1 union all select i + 1 from n) "
                         "select i, 'some text that makes it large' from n",
                         "select seq, 'some text that makes it large' from seq_1_to_90000000",
                         "with recursive n (i) as (select 1 union all select i + 1 from n) "
                         "select i, 'some text that makes it large' from n");
            const std::string long_one =
                scene.in("select zeroblob(5000000)", "select repeat('x', 5000000)",
                         "select repeat('x', 5000000)");
            CHECK(kind_of(scene.database->query(many, {})) == Kind::usage);
            CHECK(kind_of(scene.database->query(long_one, {})) == Kind::usage);
            CHECK(scene.one("select count(*) from players") == Value(3));
        }
        SECTION("a mistake is the runbook's, with what the engine says") {
            const auto fault = scene.database->query("select nosuch from players", {});
            CHECK(kind_of(fault) == Kind::usage);
            CHECK_THAT(fault.error().why, Catch::Contains("nosuch"));
        }
    }
}
