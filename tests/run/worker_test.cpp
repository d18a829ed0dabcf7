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
    const auto said = run_script(script, { { "duel", 7 } }, [](const Value& call) {
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

namespace {

std::string contains_failure(const Said& said) {
    return said.last.text_at("where") + ": " + said.last.text_at("why");
}

} // namespace

TEST_CASE("a script that hangs is stopped at its deadline, wherever it hangs") {
    const Stage hasty{ .limits = { .deadline = std::chrono::milliseconds(150) } };
    for (const char* lines : {
             "while true do end",
             "while true do pcall(function() while true do end end) end",
             "string.find(('a'):rep(200000), ('a-'):rep(30) .. 'b')",
             "for i = 1, 1e9 do ('x'):rep(1000) end",
             "string.rep('', math.maxinteger)",
             "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
             "local t = setmetatable({}, { __tostring = function() while true do end end }) "
             "tostring(t)",
             "table.move({}, 1, math.maxinteger - 1, 2)",
             "table.sort({ 1, 2, 3 }, function() while true do end end)",
             "while true do respawn.log('again') end",
         }) {
        INFO(lines);
        const auto why = outcome(lines, nothing, hasty);
        const bool out_of_lines = why.find("as many lines as it may") != std::string::npos;
        REQUIRE((out_of_lines ||
                 why == "the script took longer than its deadline of 150 ms and was stopped"));
    }
}

TEST_CASE("memory is capped, and no pcall catches its end") {
    const Stage small{ .limits = { .memory_bytes = std::size_t{ 8 } << 20 } };
    for (const char* lines : {
             "local t = {} while true do t[#t + 1] = {} end",
             "local s = 'x' while true do s = s .. s end",
             "string.rep('x', 1e9)",
             "pcall(string.rep, 'x', 1e9) respawn.log('went on')",
             "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end",
             "local t = {} for i = 1, 1e6 do t[i] = i end for k in pairs(t) do end",
             "table.concat({ ('x'):rep(5e6), ('y'):rep(5e6) })",
             "local function deeper() return deeper() + 1 end deeper()",
         }) {
        INFO(lines);
        REQUIRE(outcome(lines, nothing, small).find("used more than its 8.0 MiB of memory") !=
                std::string::npos);
    }
}

TEST_CASE("recursion inside C functions and the parser ends in an error") {
    REQUIRE(outcome("local t = setmetatable({}, {}) getmetatable(t).__index = t "
                    "local function f() return pcall(f) end respawn.log(type(f()))") == "boolean");
    const auto nested = "return " + std::string(5000, '(') + "1" + std::string(5000, ')');
    REQUIRE(perform("describe", nested).last.text_at("why").find("overflow") != std::string::npos);
    REQUIRE(outcome("local s = setmetatable({}, { __tostring = function(s) return tostring(s) end }) "
                    "tostring(s)")
                .find("overflow") != std::string::npos);
}

TEST_CASE("nothing that reaches outside is there, by any name") {
    for (const char* name : { "io", "os", "debug", "package", "coroutine", "load", "loadfile",
                              "loadstring", "dofile", "collectgarbage", "warn" }) {
        INFO(name);
        REQUIRE(outcome(std::string("respawn.log(") + name + ")").find("there is no") !=
                std::string::npos);
        REQUIRE(outcome("respawn.log(rawget(_G, '" + std::string(name) + "'))") == "nil");
    }
    for (const char* gone : { "string.dump", "math.randomseed", "('').dump" })
        REQUIRE(outcome(std::string("respawn.log(") + gone + ")") == "nil");
    REQUIRE(outcome("for name in pairs(_G) do respawn.log(name) end") ==
            "_G|_VERSION|assert|error|getmetatable|ipairs|math|next|pairs|pcall|print|rawequal|rawget|"
            "rawlen|"
            "rawset|require|select|setmetatable|string|table|tonumber|tostring|type|utf8|xpcall");
}

TEST_CASE("compiled Lua is refused") {
    const Stage stage{ .modules = { { "bytes", std::string("\x1bLua\x54\0\x19\x93", 8) } } };
    REQUIRE(contains_failure(perform("describe", "require 'bytes'", {}, nothing, stage)) ==
            "wox/sample.lua:1: wox/bytes.lua is compiled Lua; only its text is taken");
    REQUIRE(perform("describe", std::string("\x1bLua", 4)).last.text_at("kind") == "failed");
}

TEST_CASE("what a script is given cannot be changed by it") {
    for (const char* lines : {
             "string.upper = nil",
             "rawset(string, 'upper', 1)",
             "table.insert(math, 1)",
             "_G.x = 1",
             "x = 1",
             "respawn.sql = 1",
             "setmetatable(_G, {})",
             "setmetatable(respawn, nil)",
             "getmetatable('').__index = {}",
             "getmetatable(respawn).__index = {}",
             "table.sort(math)",
             "local _, t = pairs(string) t.upper = nil",
             "local next, t = pairs(string) rawset(t, 'upper', nil)",
             "getmetatable(setmetatable({}, string)).upper = nil",
         }) {
        INFO(lines);
        const auto why = outcome(std::string(lines) + " respawn.log('changed', ('a'):upper())");
        REQUIRE((why.find("wox/sample.lua:2: ") == 0 || why == "changed\tA"));
    }
    REQUIRE(outcome("x = 1").find("write \"local x\"") != std::string::npos);
    REQUIRE(outcome("pcall(rawset, string, 'upper', 1) respawn.log(('a'):upper())") == "A");
}

TEST_CASE("metatables show nothing of when memory is collected") {
    for (const char* event : { "__gc", "__close", "__mode", "__metatable" }) {
        INFO(event);
        REQUIRE(outcome("setmetatable({}, { " + std::string(event) + " = 'k' })")
                    .find("a metatable may not have") != std::string::npos);
    }
    REQUIRE(outcome("local mt = {} local t = setmetatable({}, mt) mt.__mode = 'k' t[{}] = 1 "
                    "for i = 1, 1e5 do local x = { i } end "
                    "respawn.log(getmetatable(t) == mt, pcall(next, t))")
                .find("true\tfalse") == 0);
}

TEST_CASE("metatables of scripts work as they do in Lua") {
    REQUIRE(
        outcome(
            "local Duel = {} Duel.__index = Duel function Duel.stake(d) return d.gold end "
            "Duel.__eq = function() return true end Duel.__tostring = function(d) return 'duel' end "
            "local a, b = setmetatable({ gold = 5 }, Duel), setmetatable({}, Duel) "
            "respawn.log(a:stake(), a == b, a, getmetatable(a) == Duel, string.format('%5s', a))") ==
        "5\ttrue\tduel\ttrue\t duel");
}

TEST_CASE("the order of a table is the same in twenty processes, and so is chance") {
    const char* lines =
        "local t = {} for i = 1, 200 do t['key' .. i * 7919 % 211] = i t[i * 3] = i end "
        "t[true] = 1 t[1.5] = 1 local seen = {} "
        "for k in pairs(t) do seen[#seen + 1] = tostring(k) end "
        "respawn.log(table.concat(seen, ' '), next(t), math.random(1 << 40), tostring(t))";
    const auto first = outcome(lines);
    REQUIRE(first.find("3 6 9 12 ") == 0);
    for (int i = 0; i < 20; ++i)
        REQUIRE(outcome(lines) == first);
    REQUIRE(outcome("respawn.log(math.random(1 << 40))", nothing, { .seed = 2 }) !=
            outcome("respawn.log(math.random(1 << 40))", nothing, { .seed = 3 }));
}

TEST_CASE("going through a table follows fixed rules") {
    REQUIRE(
        outcome(
            "for k, v in pairs { z = 1, a = 2, [2] = 3, [1] = 4, [1.5] = 5, [true] = 6, [false] = 7 } "
            "do respawn.log(k, v) end") == "1\t4|2\t3|1.5\t5|a\t2|z\t1|false\t7|true\t6");
    REQUIRE(
        outcome(
            "local t = { a = 1, b = 2, c = 3 } for k in pairs(t) do t.b = nil t.d = 4 respawn.log(k) "
            "end") == "a|c");
    REQUIRE(outcome("local t = { a = 1, b = 2 } local k, v = next(t) "
                    "while k do respawn.log(k, v) k, v = next(t, k) end") == "a\t1|b\t2");
    REQUIRE(outcome("for k in pairs { [{}] = 1 } do end").find("has no order") != std::string::npos);
}

TEST_CASE("sorting is stable, and an order that contradicts itself only sorts badly") {
    REQUIRE(
        outcome("local t = {} for i = 1, 100 do t[i] = { key = i % 3, place = i } end "
                "table.sort(t, function(a, b) return a.key < b.key end) "
                "for i = 2, 100 do assert(t[i - 1].key < t[i].key or t[i - 1].place < t[i].place) end "
                "respawn.log(t[1].place, t[100].place)") == "3\t98");
    REQUIRE(
        outcome("local t = { 3, 1, 2 } table.sort(t, function() return true end) respawn.log(#t)") ==
        "3");
    REQUIRE(outcome("local t = { 3, 'x', 2 } pcall(table.sort, t) respawn.log(table.concat(t, ' '))") ==
            "3 x 2");
}

TEST_CASE("no text shows an address") {
    REQUIRE(outcome("respawn.log({}, print, function() end, string.format('%s %s', {}, print), "
                    "tostring({}))") == "table\tfunction\tfunction\ttable function\ttable");
    REQUIRE(outcome("string.format('%p', {})").find("no %p") != std::string::npos);
    REQUIRE(outcome("string.format('%-5p', {})").find("no %p") != std::string::npos);
    REQUIRE(outcome("error({})").find("0x") == std::string::npos);
    REQUIRE(outcome("local t = {} t = t + 1").find("0x") == std::string::npos);
}

TEST_CASE("whatever is done with a symbol ends the run there, and pcall does not help") {
    for (const char* doing : {
             "s + 1",
             "1 + s",
             "'1' + s",
             "-s",
             "#s",
             "s .. 'x'",
             "'x' .. s",
             "s.x",
             "s[1]",
             "s()",
             "s < 1",
             "1 <= s",
             "s == respawn.at_write_time and s ~= make()",
             "tostring(s)",
             "type(s)",
             "tonumber(s)",
             "math.floor(s)",
             "string.format('%d', s)",
             "string.rep(s, 2)",
             "('x'):rep(s)",
             "pairs(s)",
             "next(s)",
             "rawlen(s)",
             "table.concat { s }",
             "table.sort { s, 1 }",
             "respawn.log(s)",
             "respawn.log('a', s)",
             "getmetatable(s)",
             "utf8.char(s)",
             "respawn.require(true, 'x %s', s)",
             "pcall(function() return s + 1 end)",
             "s & 1",
             "rawequal(s, 1)",
             "string.format('%s', s)",
             "~s",
             "ipairs(s)(s, 0)",
         }) {
        INFO(doing);
        const auto answer = [](const Value&) { return Value::Map{ { "value", Symbol{ "now" } } }; };
        REQUIRE(
            outcome("local function make() return respawn.give {} end local s = respawn.at_write_time "
                    "local x = " +
                        std::string(doing) + " respawn.log('went on')",
                    answer) == "computed now");
    }
}

TEST_CASE("a symbol may be kept, and passed on as it is") {
    Value given;
    const auto keep = [&](const Value& call) {
        given = call.at("arguments").at("value");
        return Value::Map{ { "value", Symbol{ "the snapshot" } } };
    };
    REQUIRE(outcome("case.saved = respawn.give {} respawn.give { value = { at = respawn.at_write_time, "
                    "what = case.saved } }",
                    keep) == "");
    REQUIRE(given ==
            Value(Value::Map{ { "at", Symbol{ "now" } }, { "what", Symbol{ "the snapshot" } } }));
}

TEST_CASE("values come through as they were sent") {
    const Value sent = Value::Map{ { "list", Value::List{ 1, nullptr, "x" } },
                                   { "blob", Blob{ std::string("\0\xff", 2) } },
                                   { "real", 0.5 },
                                   { "least", INT64_MIN },
                                   { "truth", false },
                                   { "bytes", std::string("\xff\0", 2) } };
    Value back;
    const auto echo = [&](const Value& call) {
        back = call.at("arguments").at("value");
        return Value::Map{ { "value", sent } };
    };
    REQUIRE(
        outcome("local got = respawn.give {} assert(got.list[2] == respawn.null and #got.blob == 2) "
                "assert(got.blob == respawn.blob('\\0\\xff') and math.type(got.least) == 'integer') "
                "respawn.give { value = got }",
                echo) == "");
    REQUIRE(back == sent);
}

TEST_CASE("what cannot be passed on is named by its place before anything is sent") {
    REQUIRE(outcome("respawn.give { value = { a = { print } } }") ==
            "wox/sample.lua:2: respawn.give: value.a[1] is a function, which cannot be passed on or "
            "kept in case");
    for (const char* bad : { "{ 1, nil, 3 }", "{ 1, a = 2 }", "{ [1.5] = 1 }", "{ [true] = 1 }" })
        REQUIRE(
            outcome("respawn.give { value = " + std::string(bad) + " }").find("respawn.give: value ") !=
            std::string::npos);
    REQUIRE(outcome("local t = {} t.t = t respawn.give { value = t }").find("holds itself") !=
            std::string::npos);
    REQUIRE(outcome("local s = ('x'):rep(3e6) respawn.give { value = { s, s, s } }").find("8 MiB") !=
            std::string::npos);
    REQUIRE(outcome("case.f = print").find("case.f is a function") != std::string::npos);
}

TEST_CASE("a call with wrong arguments names the parameter before anything is sent") {
    const auto never = [](const Value&) -> Value {
        FAIL("it was sent");
        return {};
    };
    REQUIRE(outcome("respawn.sqll { text = 'x' }", never) ==
            "wox/sample.lua:2: respawn has no 'sqll'; did you mean 'sql'?");
    REQUIRE(outcome("respawn.sql { text = 1 }", never) ==
            "wox/sample.lua:2: respawn.sql: text must be a text, not an integer");
    REQUIRE(outcome("respawn.sql { txt = 'x' }", never) ==
            "wox/sample.lua:2: respawn.sql: there is no parameter 'txt'; did you mean 'text'?");
    REQUIRE(outcome("respawn.sql {}", never) == "wox/sample.lua:2: respawn.sql: text is missing");
    REQUIRE(outcome("respawn.sql 'x'", never).find("call it as respawn.sql {") != std::string::npos);
    REQUIRE(outcome("respawn.wait(1, 2)", never) ==
            "wox/sample.lua:2: respawn.wait: it takes 1 argument, not 2");
}

TEST_CASE("arguments by position are named, and a text takes what follows it") {
    Value arguments;
    const auto note = [&](const Value& call) {
        arguments = call.at("arguments");
        return nothing(call);
    };
    REQUIRE(outcome("respawn.require(nil, 'duel %d still moves', 7)", note) == "");
    REQUIRE(arguments == Value(Value::Map{ { "holds", false }, { "text", "duel 7 still moves" } }));
    REQUIRE(outcome("respawn.require(1 == 1, '100 %')", note) == "");
    REQUIRE(arguments.text_at("text") == "100 %");
}

TEST_CASE("an error of the host can be caught, and uncaught it ends the run with its place") {
    const auto refuse = [](const Value&) -> Value {
        return Value::Map{ { "error", Value::Map{ { "kind", "denied" },
                                                  { "what", "read players" },
                                                  { "why", "the password is wrong" } } } };
    };
    REQUIRE(
        outcome("local ok, e = pcall(respawn.give, {}) respawn.log(ok, e.kind, e.why, e)", refuse) ==
        "false\tdenied\tthe password is wrong\tcould not read players: the password is wrong");
    const auto said = run_script(
        "local r = { diagnose = function() require 'respawn'.give {} end } return r", {}, refuse);
    REQUIRE(said.last.text_at("where") == "wox/sample.lua:1");
    REQUIRE(said.last.text_at("why") == "the password is wrong");
    REQUIRE(said.last.at("cause").text_at("kind") == "denied");
}

TEST_CASE("what is logged is cut, and counted") {
    const auto line = outcome("respawn.log(('x'):rep(1e6))");
    REQUIRE(line.size() < 5000);
    REQUIRE(line.find("995904 bytes more") != std::string::npos);
    REQUIRE(outcome("for i = 1, 10 do print(i) end", nothing, { .log_lines = 5 })
                .find("logged as many lines as it may") != std::string::npos);
}

TEST_CASE("an error text is cut however long it is, and its trace tells the way") {
    const auto said = run_script("local r = {} local function deeper() error(('x'):rep(1e6)) end\n"
                                 "function r.diagnose() deeper() end return r");
    REQUIRE(said.last.text_at("why").size() < 10'000);
    REQUIRE(said.last.text_at("where") == "wox/sample.lua:1");
    REQUIRE(said.last.text_at("trace").find("wox/sample.lua:2: in") != std::string::npos);
}

TEST_CASE("a runbook that describes itself differently when it runs is not run") {
    const auto said = perform("run", "return { version = '1.0.1', diagnose = print }",
                              { { "description", Value::Map{ { "version", "1.0.0" } } } });
    REQUIRE(said.last.text_at("why") == "the runbook describes itself differently from before");
    REQUIRE(said.phases.empty());
}

TEST_CASE("case goes from phase to phase and starts as the parameters") {
    const auto said =
        run_script("local r = {} function r.diagnose(case) case.twice = case.duel * 2 end "
                   "function r.verify(case) print(case.duel, case.twice) end return r",
                   { { "duel", 7 } });
    REQUIRE(said.log == std::vector<std::string>{ "7\t14" });
    REQUIRE(outcome("return 1").find("wox/sample.lua:1: diagnose returns a value") == 0);
}

TEST_CASE("a test file has the names of its module, and calls at its top") {
    const Stage stage{ .modules = { { "stdlib.testing",
                                      "return { same = function(a, b) assert(a == b) end }" } } };
    const auto said = perform("test", "same(1, 1) require 'respawn'.give {} print('ok')",
                              { { "globals", "stdlib.testing" } }, nothing, stage);
    INFO(said.last.text_at("where") + said.last.text_at("why"));
    REQUIRE(said.last.text_at("kind") == "done");
    REQUIRE(said.log == std::vector<std::string>{ "ok" });
    REQUIRE(said.calls.size() == 1);
}

TEST_CASE("a worker that cannot be started is one clear error") {
    const Stage nowhere{ .limits = { .program = "/nowhere/respawn-worker" } };
    REQUIRE(perform("describe", "return {}", {}, nothing, nowhere).fault.kind == Kind::missing);
}

TEST_CASE("Ctrl-C ends the wait for a script") {
    Cancellation cancel;
    cancel.request();
    auto worker = run::Worker::start({}, { .program = built("respawn-worker") }, cancel);
    REQUIRE(worker.error().kind == Kind::cancelled);
}
