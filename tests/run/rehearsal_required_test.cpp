// What runs make of rehearsals: one that is required, and one that they are shown beside.
#include "database/sqlite_connection.h"
#include "run/castle.h"

using namespace respawn;
using testing::Castle;

TEST_CASE("a runbook that requires a rehearsal is run after one that has passed, and not before") {
    Castle castle;
    const auto requiring = [&](const std::string& what, const std::string& after = "") {
        castle.book("function runbook.repair(case) " + Castle::paying() + after + " end",
                    "requires = { 'a calm sea', '" + what + "' },");
    };
    const auto refused = [&] {
        const auto done = castle.perform();
        REQUIRE_FALSE(done.ok());
        CHECK(castle.rows() == "'1ada100 2lin20'");
        CHECK(castle.game->journal().value()->runs(10).value().empty());
        return done.error();
    };
    requiring("rehearsal 2d");
    SECTION("the refusal is for a person, who is told the command") {
        const auto error = refused();
        CHECK(run::exit_code(error.kind) == 5);
        CHECK(error.fix == "respawn run book --rehearse");
    }
    SECTION("one that has passed lets it") {
        castle.passed();
        CHECK(castle.perform().value().run.state == journal::RunState::done);
    }
    SECTION("one that did not pass does not") {
        castle.sql("insert into players values (3, 'mo', 1)"); // and the copy has none
        castle.book("function runbook.repair(case) " + Castle::paying("1", "3") + " end",
                    "requires = { 'rehearsal' },");
        CHECK_FALSE(castle.rehearsed().record.passed);
        const auto done = castle.perform();
        REQUIRE_FALSE(done.ok());
        CHECK(done.error().kind == Kind::needs_person);
    }
    SECTION("nor does that of another source") {
        castle.passed();
        requiring("rehearsal 2d", " local edited = true");
        CHECK(refused().kind == Kind::needs_person);
    }
    SECTION("nor one that is too old, or of a clock that was wrong") {
        castle.passed();
        castle.open();
        {
            auto file = database::SqliteConnection::open(castle.root / "state/journal.db",
                                                         database::SqliteConnection::Access::read_write)
                            .value();
            const auto hours = GENERATE(-49, 49);
            REQUIRE(file.run("update rehearsals set began = ?",
                             { (now() + std::chrono::hours(hours)).microseconds })
                        .ok());
        }
        CHECK(refused().kind == Kind::needs_person);
    }
}

TEST_CASE("what a runbook requires is read, and a slip of the pen is named") {
    Castle castle;
    const auto described = [&](const std::string& requires_) {
        castle.book("", "requires = { " + requires_ + " },");
        return castle.engine->describe("book");
    };
    CHECK(described("'rehearsal'").value().description.rehearsal == std::chrono::hours(7 * 24));
    CHECK(described("'rehearsal 30d'").value().description.rehearsal == std::chrono::hours(30 * 24));
    CHECK(described("'rehearsal 30d', 'rehearsal'").value().description.rehearsal ==
          std::chrono::hours(7 * 24));
    CHECK_FALSE(described("'the wallet is unlocked'").value().description.rehearsal);
    for (const auto* wrong :
         { "'rehersal'", "'rehearsals 7d'", "'rehearsal soon'", "'rehearsal 0s'" }) {
        CAPTURE(wrong);
        const auto refused = described(wrong);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == Kind::script);
        CHECK_THAT(refused.error().why, Catch::Contains("book.lua:2") && Catch::Contains("rehearsal"));
    }
}

TEST_CASE("a run is shown beside the last rehearsal of the same source and parameters") {
    Castle castle;
    castle.book(
        "function runbook.repair(case) local changes = {} for _, row in ipairs(respawn.sql { query "
        "= 'select id from players order by id' }) do changes[#changes + 1] = { update = "
        "'players', key = { id = row.id }, add = { galleons = 1 } } end respawn.write { why = "
        "'gift', changes = changes } end\n"
        "function runbook.notify(case) respawn.notify { text = 'given ' .. respawn.now() .. ' to all' "
        "} end");
    CHECK_FALSE(castle.planned().rehearsed);
    const auto id = castle.passed().record.id;
    SECTION("as rehearsed, though amounts and moments have moved") {
        castle.sql("update players set galleons = galleons + 1000");
        const auto planned = castle.planned();
        REQUIRE(planned.rehearsed);
        CHECK(planned.rehearsed->rehearsal == id);
        CHECK(planned.rehearsed->passed);
        CHECK(planned.rehearsed->differences == std::vector<std::string>{});
    }
    SECTION("more rows than were rehearsed are a difference, in the plan and after the run") {
        castle.sql("insert into players values (3, 'mo', 1)");
        const std::vector<std::string> one = {
            "write in repair on game: 3 rows of players, 2 when it was rehearsed"
        };
        CHECK(castle.planned().rehearsed->differences == one);
        const auto outcome = castle.perform().value();
        REQUIRE_FALSE(outcome.error);
        REQUIRE(outcome.rehearsed);
        CHECK(outcome.rehearsed->differences == one);
    }
}

TEST_CASE("effects are compared by what they are, in which order") {
    const auto effect = [](const std::string& name, const std::string& text) -> Value {
        return Value::Map{ { "phase", "notify" },
                           { "name", name },
                           { "component", "" },
                           { "arguments", Value::Map{ { "text", text } } },
                           { "rows", Value::List{} } };
    };
    const Value none = Value::List{}, one = Value::List{ effect("notify", "ada has 5 galleons") };
    const auto lines = [](const Value& rehearsed, const Value& now) {
        return run::differences_from_rehearsal(rehearsed, now).size();
    };
    CHECK(lines(one, one) == 0);
    CHECK(lines(one, Value::List{ effect("notify", "ada has 77 galleons") }) == 0);
    CHECK(lines(one, Value::List{ effect("notify", "ada has lost 5 galleons") }) == 1);
    CHECK(lines(one, Value::List{ effect("upload", "ada has 5 galleons") }) == 1);
    CHECK(lines(one, none) == 1);
    CHECK(lines(none, one) == 1);
    SECTION("behind the end of a plan nothing is") {
        const Value ends = Value::List{ Value::Map{ { "name", "ends" }, { "why", "x" } } };
        CHECK(lines(one, ends) == 0);
    }
}
