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

TEST_CASE("try") {
    for (const char *lines : { 
        "respawn.log(pairs)", "local t={z=1,a=2,[3]=1,[1]=2,[true]=1,[1.5]=1} for k in pairs(t) do respawn.log(k) end",
        "local t={3,1,2} table.sort(t) respawn.log(table.concat(t,','))",
        "x = 1", "respawn.log(y)", "os.exit()", "string.foo = 1", "respawn.replicat{}", "respawn.sql{txt='a'}",
        "respawn.sql{text=1}", "respawn.sql{}", "respawn.require(false, 'duel %d moves', 7)",
        "error('boom')", "error({why='own'})", "respawn.log(getmetatable('').__index)", "respawn.log(string.format('%s %5.1f %d', {}, 1, 3))",
        "respawn.log(string.format('%p', {}))", "return 1", "case.f = print", "local a = respawn.at_write_time + 1",
        "case.a=respawn.at_write_time; respawn.give{value=case.a}", "local t={} while true do t[#t+1]=('x'):rep(1000)..#t end",
        "pcall(string.rep, 'x', 1e10) respawn.log('on')", "local function f() return f()+1 end f()", "setmetatable({}, {__gc=print})",
        "local ok, e = pcall(error, {a=1}) respawn.log(ok, e.a)", "respawn.log(xpcall(error, function(m) return 'H'..m end, 'm'))",
        "respawn.log(math.random(100), math.random(100))", "respawn.log(#respawn.null)", "load('x')", "respawn.log(('x'):rep(3), 1e15, 2^53, 0/0, -0.0, 1e100)",
        "respawn.log(next({}), next({5}))", "respawn.wait('x')", "respawn.wait(1,2)", "_G.x=1", "rawset(string,'x',1)", "rawset(_G,'x',1)", "rawset(respawn,'x',1)",
        "respawn.log(tostring(respawn), tostring(print))", "for k,v in pairs(respawn) do respawn.log(k) end", "local t = setmetatable({},{__index=function(t,k) return k..'!' end}) respawn.log(t.x)",
        "respawn.give{value={1,nil,3}}", "respawn.give{value={a={b=print}}}", "local t={} t.t=t respawn.give{value=t}", "respawn.sql{text='x', values={}}", "respawn.log(table.unpack({1,2,3}))",
        "local s = respawn.at_write_time; respawn.log(s)", "local s = respawn.at_write_time; string.rep(s, 3)", "local s = respawn.at_write_time; for i=1,s do end", "require 'nothing'", "require '../x'",
        "respawn.log(string.rep)", "string.rep('x',-1,{})", "respawn.log(math.floor('x'))", "('x'):bad()", "respawn.log(select('#', 1, 2), select(2, 1, 2))",
        "local t = setmetatable({}, {__tostring=function() return 'T' end}) respawn.log(t, string.format('%s', t))", "table.concat({1,respawn.at_write_time})", "goto x; ::x:: respawn.log(utf8.char(8364))",
        "local a <close> = setmetatable({}, {__close=print})", "respawn.log(tostring(nil), tonumber('0x10'))", "coroutine.wrap(print)" })
        printf("%-70.70s => %s\n", lines, outcome(lines).c_str());
}
