#include "contract/database_rig.h"

using namespace respawn;
using namespace respawn::testing;

TEST_CASE("a trial shows what a write would do and leaves the live data as it is", "[contract]") {
    const auto rig = GENERATE(from_range(database_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        const auto before = scene.all();
        {
            const auto trial = got(scene.database->begin_trial(scene.folder.path()));
            const auto written = got(trial->write({ .changes = { paid(1, 50, "k") }, .why = "x" }));
            CHECK(row_of(written, "players")->after.at("galleons") == Value(150));
            CHECK(row_of(written, "audit")->after.at("after") == Value(150));
            const auto galleons = [&](database::Reader& reader) {
                return got(reader.query("select galleons from players where id = 1", {})).rows[0][0];
            };
            CHECK(galleons(*trial) == Value(150));
            CHECK(kind_of(trial->write({ .changes = { paid(1, -900, "") }, .why = "x" })) ==
                  Kind::conflict);
            CHECK(galleons(*trial) == Value(150));
            const auto more = got(trial->write({ .changes = { paid(1, 5, "l") }, .why = "x" }));
            CHECK(row_of(more, "players")->before.at("galleons") == Value(150));
            CHECK(galleons(*scene.database) == Value(100));
        }
        CHECK(scene.all() == before);
        CHECK(scene.database->marker_state().value().incarnation.empty());
    }
}
