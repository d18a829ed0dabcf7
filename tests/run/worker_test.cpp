#include "run/worker.h"
#include "run/workers.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::testing;

TEST_CASE("a runbook is described and run: phases in order, calls answered, done") {
    const auto script = R"(
        local respawn = require "respawn"
        local runbook = { version = "1.0.0", summary = "Ends a duel." }
        function runbook.verify(case)
            respawn.log("status", case.rows[1].status)
        end
        function runbook.diagnose(case)
            case.rows = respawn.sql { text = "select", values = { case.duel } }
        end
        return runbook)";
    const auto said = run_script(script, { { "duel", 7 } }, [](const Value &call) {
        REQUIRE(call.text_at("primitive") == "sql");
        REQUIRE(call.text_at("phase") == "diagnose");
        REQUIRE(call.text_at("where") == "wox/sample.lua:8");
        REQUIRE(call.at("arguments").at("values") == Value(Value::List{ 7 }));
        return Value::Map{ { "value", Value::List{ Value::Map{ { "status", "ended" } } } } };
    });
    REQUIRE(said.phases == std::vector<std::string>{ "diagnose", "verify" });
    REQUIRE(said.log == std::vector<std::string>{ "status\tended" });
    REQUIRE(said.last.text_at("kind") == "done");
}
