// Every rule against a file that has its fault, at the marked line; the same file without it is silent.
#include "lint/lint.h"
#include "primitives/primitives.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace respawn;

namespace {

constexpr std::string_view sound_runbook = R"lua(-- A duel that does not move.
local respawn = require "respawn"
local rows = require "stdlib.rows"

local STUCK_MINUTES = 15

local runbook = {
  version = "1.0.0",
  summary = "Ends a duel that no longer moves and gives the stake back.",
  rto = "10m",
  target = "duel:{duel}",
  uses = { "sql.read", "sql.write", "vault.write", "notify" },
  params = {
    duel = { type = "integer", doc = "id in duels" },
    note = { type = "text", doc = "what to say", fallback = "" },
  },
}

local function find(case)
  return rows.one("select id, player, stake, status, moved_at from duels where id = ?", case.duel)
end

function runbook.diagnose(case)
  local duel = find(case)
  respawn.require(duel ~= nil, "there is no duel %d", case.duel)
  local idle = (respawn.now() - duel.moved_at) // 60
  respawn.require(idle >= STUCK_MINUTES, "it moves")
  case.facts = duel
end

function runbook.backup(case)
  case.saved = respawn.backup { note = "before duel " .. case.duel }
end

function runbook.repair(case)
  respawn.write {
    why = "end the duel",
    changes = {
      { update = "duels", key = { id = case.duel }, set = { status = "ended", ended_at = respawn.at_write_time },
        expect = { status = case.facts.status } },
      { update = "players", key = { id = case.facts.player }, add = { gold = case.facts.stake },
        once = "refund:" .. case.duel },
    },
  }
end

function runbook.verify(case)
  local found = respawn.sql { query = "select status from duels where id = ?", with = { case.duel } }
  respawn.check("the duel has ended", found[1].status == "ended")
  respawn.check("gold is back", rows.value("gold", "select gold from players where id = ?", case.facts.player) > 0)
end

function runbook.notify(case)
  respawn.notify { to = { "ada" }, text = ("duel %d ended; %s"):format(case.duel, case.note) }
end

return runbook
)lua";

constexpr std::string_view sound_test = R"lua(local function make(told)
  return world { rows = { duels = { { id = 1, status = told.status or "active" } } } }
end

test("it ends the duel", function()
  local game = make {}
  same(game:run("game/duel", { duel = 1 }).state, "done")
end)

test("a dry run changes nothing", function()
  local game = make {}
  local before = game:everything()
  same(game:run("game/duel", { duel = 1 }, { dry_run = true }).state, "planned")
  same(game:everything(), before)
end)

crash_everywhere("game/duel", { duel = 1 }, make)
)lua";

// A folder with a runbook, its test, and the stdlib that is shipped.
struct Desk {
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    run::Folders folders{ .runbooks = { folder.path() / "runbooks" }, .stdlib = { STDLIB } };

    Desk() {
        put("game/duel", sound_runbook);
        put("game/duel_test", sound_test);
    }
    void put(const std::string& name, std::string_view text) const {
        const auto path = folders.runbooks[0] / (name + ".lua");
        REQUIRE(io::make_folder(path.parent_path()).ok());
        REQUIRE(io::replace_durably(path, text).ok());
    }
    void remove(const std::string& name) const {
        std::filesystem::remove(folders.runbooks[0] / (name + ".lua"));
    }
    std::vector<lint::Finding> lint(const std::string& name) const {
        return lint::lint(run::find_runbook(name, folders).value(), folders, primitives::all());
    }
};

std::string shown(const std::vector<lint::Finding>& findings) {
    std::string text;
    for (const auto& finding : findings)
        text += fmt::format("{}:{}: {}: {}\n  cure   {}\n", finding.file, finding.line,
                            finding.rule->name, finding.text, finding.cure);
    return text;
}

// The line that has the mark.
int marked_line(std::string_view text) {
    const auto at = text.find("--!");
    return at == std::string_view::npos
               ? 1
               : 1 + static_cast<int>(
                         std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
}

struct Case {
    std::string_view rule, from,
        to; // `to` stands in place of `from`; the fault is in the line that ends in --!
};

const std::vector<Case> runbook_cases = {
    // Lua
    { "syntax", "case.facts = duel\n", "case.facts == duel --!\n" },
    { "syntax", "it moves\")", "it moves)" },
    { "allow-unused", "local STUCK", "-- lint: allow sql-null (nothing) --!\nlocal STUCK" },
    { "allow-unknown", "local STUCK", "-- lint: allow sql-nul (nothing) --!\nlocal STUCK" },
    { "allow-without-reason", "function runbook.notify",
      "-- lint: allow unused-local --!\nlocal other = 1\nfunction runbook.notify" },
    { "forbidden-library", "respawn.now()", "os.time() --!\n" },
    { "unknown-library-function", "local duel = find",
      "case.a = math.randomseed(1) --!\n  local duel = find" },
    { "unreachable-code", "case.facts = duel", "error(\"no\")\n  case.facts = duel --!" },
    { "unreachable-code", "case.facts = duel", "respawn.fail(\"no\")\n  case.facts = duel --!" },
    { "endless-loop", "case.facts = duel",
      "case.facts = duel\n  while true do --!\n    find(case)\n  end" },
    { "duplicate-key", "rto = \"10m\",", "rto = \"10m\",\n  rto = \"9m\", --!" },
    { "duplicate-name", "local function find(case)", "local function find(case, case) --!" },
    { "self-assignment", "case.facts = duel", "case.facts = duel\n  case.facts = case.facts --!" },
    { "same-on-both-sides", "idle >= STUCK_MINUTES", "idle >= idle --!\n" },
    { "empty-branch", "case.facts = duel", "case.facts = duel\n  if idle > 1 then end --!" },
    { "not-before-comparison", "duel ~= nil,", "not duel == idle, --!\n" },
    { "refused-metamethod", "case.facts = duel",
      "case.facts = setmetatable(duel, { __gc = find }) --!" },
    { "format-arguments", ":format(case.duel, case.note)", ":format(case.note) --!\n" },
    { "format-arguments", "\"there is no duel %d\", case.duel)", "\"there is no duel %d\") --!" },
    { "format-arguments", "duel %d ended; %s", "%y %d %s" },
    { "compared-with-null", "duel ~= nil", "duel ~= respawn.null --!\n" },
    // names
    { "undefined-global", "respawn.require(duel ~= nil", "require_that(duel ~= nil --!\n" },
    { "undefined-global", "case.facts = duel", "case.facts = now() --!" },
    { "assigned-global", "local duel = find", "duel = find(case) --!\n  local duel = find" },
    { "shadowed-local", "case.facts = duel",
      "case.facts = duel\n  for _, rows in ipairs(duel) do respawn.log(rows) end --!" },
    { "unused-local", "case.facts = duel", "local other = duel --!\n  case.facts = duel" },
    { "unused-module", "local STUCK", "local ledger = require \"stdlib.ledger\" --!\nlocal STUCK" },
    { "missing-module", "\"stdlib.rows\"", "\"stdlib.rowz\" --!" },
    { "late-require", "case.facts = duel",
      "case.facts = require(\"stdlib.rows\").one(\"select 1\") --!" },
    { "computed-require", "local STUCK",
      "local other = require(\"stdlib.\" .. runbook) --!\nlocal STUCK" },
    // the table
    { "missing-field", "  version = \"1.0.0\",\n", "" },
    { "missing-field", "runbook.verify", "runbook.verity" },
    { "bad-version", "\"1.0.0\",", "\"1.0\", --!" },
    { "bad-summary", "summary = \"Ends a duel that no longer moves and gives the stake back.\",",
      "summary = 7, --!" },
    { "summary-form", "back.\",", "back\", --!" },
    { "bad-capability", "\"notify\" },", "\"notify\", \"sql.reed\" }, --!" },
    { "duplicate-capability", "\"notify\" },", "\"notify\", \"notify\" }, --!" },
    { "bad-duration", "\"10m\",", "\"ten minutes\", --!" },
    { "no-rto", "  rto = \"10m\",\n", "" },
    { "bad-parameter", "\"integer\", doc = \"id in duels\" },",
      "\"number\", doc = \"id in duels\" }, --!" },
    { "bad-parameter", "fallback = \"\" },", "fallback = 7 }, --!" },
    { "parameter-doc", ", doc = \"id in duels\" },", " }, --!" },
    { "bad-target", "\"duel:{duel}\",", "\"duel:{dual}\", --!" },
    { "no-target", "  target = \"duel:{duel}\",\n", "" },
    { "bad-field", "rto = \"10m\",", "rto = \"10m\",\n  aprovals = 2, --!" },
    { "unknown-phase", "function runbook.backup(case)", "function runbook.bakcup(case) --!" },
    { "phase-order", "function runbook.diagnose(case)",
      "function runbook.notify() end\nfunction runbook.diagnose(case) --!" },
    { "phase-parameters", "function runbook.notify(case)", "function runbook.notify(case, other) --!" },
    // case
    { "unused-parameter", "doc = \"id in duels\" },",
      "doc = \"id in duels\" },\n    more = { type = \"text\", doc = \"more\" }, --!" },
    { "unknown-case-field", "before duel \" .. case.duel }", "before duel \" .. case.dual } --!" },
    { "case-too-early", "case.facts = duel", "case.facts = duel\n  respawn.log(case.saved) --!" },
    { "assigned-parameter", "case.facts = duel", "case.facts = duel\n  case.duel = 7 --!" },
    // phases
    { "undeclared-capability", "\"vault.write\", \"notify\" }", "\"vault.write\" }" },
    { "unused-capability", "\"notify\" },", "\"notify\", \"chain\" }, --!" },
    { "effect-in-diagnose", "case.facts = duel",
      "case.facts = duel\n  respawn.notify { text = \"hm\" } --!" },
    { "effect-in-verify", "respawn.check(\"gold is back\"",
      "respawn.backup {} --!\n  respawn.check(\"gold is back\"" },
    { "change-in-notify", "  respawn.notify { to",
      "  respawn.write { why = \"x\", changes = {} } --!\n  respawn.notify { to" },
    { "notify-too-early", "  respawn.write {",
      "  respawn.notify { text = \"done\" } --!\n  respawn.write {" },
    { "phase-returns-value", "  case.facts = duel", "  case.facts = duel\n  do return duel end --!" },
    { "call-while-read", "local STUCK",
      "local found = respawn.sql { query = \"select 1\" } --!\nlocal STUCK" },
    { "ignored-pcall", "case.facts = duel", "case.facts = duel\n  pcall(find, case) --!" },
    { "looks-inside-effect", "  respawn.write {",
      "  respawn.log(case.saved.id) --!\n  respawn.write {" },
    { "computes-with-symbol", "respawn.at_write_time }", "respawn.at_write_time + 60 } --!\n" },
    { "check-proves-nothing", "found[1].status == \"ended\")", "true) --!" },
    { "unverified-table", "{ update = \"players\"",
      "{ insert = \"ledger\", set = { id = 1 } }, --!\n      { update = \"players\"" },
    // calls
    { "unknown-primitive", "case.saved = respawn.backup {", "case.saved = respawn.bakcup { --!\n" },
    { "unknown-argument", "{ note = \"before duel \" .. case.duel }", "{ node = \"before\" } --!" },
    { "missing-argument", "why = \"end the duel\",", "" },
    { "missing-argument", "respawn.require(idle >= STUCK_MINUTES, \"it moves\")",
      "respawn.require(idle >= STUCK_MINUTES) --!" },
    { "wrong-argument-type", "respawn.check(\"the duel has ended\", found[1].status == \"ended\")",
      "respawn.check(found[1].status == \"ended\", \"ended\") --!" },
    { "wrong-argument-type", "with = { case.duel } }", "with = \"duel\" } --!" },
    { "wrong-call-form", "respawn.check(\"the duel has ended\", found[1].status == \"ended\")",
      "respawn.check { text = \"ended\" } --!" },
    { "wrong-call-form", "respawn.backup { note = \"before duel \" .. case.duel }",
      "respawn.backup \"before\" --!" },
    { "ignored-answer", "  case.facts = duel",
      "  case.facts = duel\n  respawn.sql { query = \"select 1\" } --!" },
    // SQL
    { "sql-built", "query = \"select status from duels where id = ?\", with = { case.duel } }",
      "query = \"select status from duels where id = \" .. case.duel } --!" },
    { "sql-built", "query = \"select status from duels where id = ?\", with = { case.duel } }",
      "query = (\"select status from duels where id = %d\"):format(case.duel) } --!" },
    { "sql-writes", "\"select status from duels where id = ?\"",
      "\"delete from duels where id = ?\" --!\n" },
    { "sql-placeholders", "with = { case.duel } }", "with = { case.duel, 7 } } --!" },
    { "sql-placeholders", "where id = ?\", case.duel)",
      "where id = ? and status = ?\", case.duel) --!" },
    { "sql-several", "\"select status from duels where id = ?\"",
      "\"select status from duels where id = ?; select 1\" --!\n" },
    { "sql-null", "\"select status from duels where id = ?\"",
      "\"select status from duels where id = ? and ended_at = null\" --!\n" },
    { "sql-clock", "\"select status from duels where id = ?\"",
      "\"select status from duels where id = ? and at < now()\" --!\n" },
    { "sql-order", "\"select status from duels where id = ?\"",
      "\"select status from duels where id = ? limit 2\" --!\n" },
    { "sql-quotes", "\"select status from duels where id = ?\"",
      "'select status from duels where id = ? and status = \"x\"' --!\n" },
    // changes
    { "change-part", "{ update = \"duels\", key = { id = case.duel },",
      "{ update = \"duels\", where = { id = case.duel }, --!\n" },
    { "change-without-key", "{ update = \"duels\", key = { id = case.duel }, set",
      "{ update = \"duels\", --!\n set" },
    { "change-without-values", "add = { gold = case.facts.stake },\n", "\n" },
    { "change-without-expect", "expect = { status = case.facts.status } },", "}," },
    { "add-without-once", "once = \"refund:\" .. case.duel },", "expect = { gold = 1 } }," },
    { "now-in-change", "respawn.at_write_time }", "respawn.now() } --!\n" },
    { "money-as-real", "add = { gold = case.facts.stake }",
      "add = { gold = case.facts.stake / 2 } --!\n" },
};

const std::vector<Case> test_cases = {
    { "duplicate-test", "test(\"a dry run changes nothing\",", "test(\"it ends the duel\", --!\n" },
    { "test-without-assertion", "test(\"a dry run changes nothing\",",
      "test(\"it runs\", function() world {} end) --!\ntest(\"a dry run changes nothing\"," },
};

const lint::Finding* found(const std::vector<lint::Finding>& findings, std::string_view rule) {
    const auto at = std::find_if(findings.begin(), findings.end(),
                                 [&](const auto& one) { return one.rule->name == rule; });
    return at == findings.end() ? nullptr : &*at;
}

void must_find(const Desk& desk, const std::string& name, std::string_view sound, const Case& one) {
    std::string text(sound);
    REQUIRE(text.find(one.from) != std::string::npos);
    text.replace(text.find(one.from), one.from.size(), one.to);
    desk.put(name, text);
    const auto findings = desk.lint(name);
    INFO(text);
    INFO(shown(findings));
    const auto* finding = found(findings, one.rule);
    CHECK(finding);
    if (!finding)
        return;
    REQUIRE(finding->file == name + ".lua");
    REQUIRE(!finding->cure.empty());
    if (text.find("--!") != std::string::npos)
        CHECK(finding->line == marked_line(text));
    else
        REQUIRE(finding->line > 0);
}

} // namespace

TEST_CASE("a sound runbook, its test, and all of stdlib are silent") {
    const Desk desk;
    REQUIRE(shown(desk.lint("game/duel")) == "");
    REQUIRE(shown(desk.lint("game/duel_test")) == "");
}

TEST_CASE("each rule finds its fault, in its line, with a cure") {
    const Desk desk;
    for (const auto& one : runbook_cases) {
        INFO(one.rule);
        must_find(desk, "game/duel", sound_runbook, one);
    }
    desk.put("game/duel", sound_runbook);
    for (const auto& one : test_cases) {
        INFO(one.rule);
        must_find(desk, "game/duel_test", sound_test, one);
    }
}

TEST_CASE("what a runbook as a whole lacks is found") {
    const Desk desk;
    const auto without = [&](std::string_view from, std::string_view to, std::string_view rule) {
        std::string text(sound_runbook);
        const auto begin = text.find(from);
        const auto end = text.find("\nend\n", begin) + 5;
        text.replace(begin, end - begin, to);
        desk.put("game/duel", text);
        INFO(text << shown(desk.lint("game/duel")));
        REQUIRE(found(desk.lint("game/duel"), rule));
    };
    without("function runbook.diagnose",
            "function runbook.diagnose(case) case.facts = find(case) end\n", "no-requirement");
    without("function runbook.verify", "function runbook.verify(case) respawn.log(find(case)) end\n",
            "write-without-verify");
    without("function runbook.verify",
            "function runbook.verify(case) respawn.check(\"x\", case.facts.id == 1) end\n",
            "verify-reads-nothing");
    without("function runbook.backup", "", "write-without-backup");
}

TEST_CASE("a runbook that changes something needs a test that kills it and one that runs it dry") {
    const Desk desk;
    desk.put("game/duel_test", "test('x', function() same(1, 1) end)");
    REQUIRE(found(desk.lint("game/duel"), "no-crash-everywhere"));
    REQUIRE(found(desk.lint("game/duel"), "no-dry-run-test"));
    desk.remove("game/duel_test");
    REQUIRE(found(desk.lint("game/duel"), "no-test"));
    REQUIRE(!found(desk.lint("game/duel"), "no-crash-everywhere"));
}

TEST_CASE("every rule is tried by a test, and says what is wrong and how it is cured") {
    std::set<std::string_view> tried = { "no-requirement",
                                         "write-without-verify",
                                         "verify-reads-nothing",
                                         "write-without-backup",
                                         "no-crash-everywhere",
                                         "no-dry-run-test",
                                         "no-test" };
    for (const auto& one : runbook_cases)
        tried.insert(one.rule);
    for (const auto& one : test_cases)
        tried.insert(one.rule);
    std::set<std::string_view> names;
    for (const auto* rule : lint::all_rules()) {
        INFO(rule->name);
        REQUIRE(tried.contains(rule->name));
        REQUIRE(names.insert(rule->name).second);
        REQUIRE(rule->wrong.ends_with("."));
        REQUIRE(!rule->cure.empty());
    }
    REQUIRE(names.size() >= 30);
    REQUIRE(tried.size() == names.size());
}

TEST_CASE("what a module does is told where the runbook asks for it") {
    const Desk desk;
    desk.put("game/words", "local respawn = require \"respawn\"\nlocal words = {}\n"
                           "local function tell(text) respawn.notify { text = text } end\n"
                           "function words.shout(text) tell(text) end\nreturn words\n");
    std::string text(sound_runbook);
    text.replace(text.find("local STUCK"), 0, "local words = require \"words\"\n");
    text.replace(text.find("  case.facts = duel"), 0, "  words.shout(\"hm\") --!\n");
    desk.put("game/duel", text);
    const auto findings = desk.lint("game/duel");
    INFO(shown(findings));
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].rule->name == "effect-in-diagnose");
    REQUIRE(findings[0].line == marked_line(text));
    REQUIRE(findings[0].text.find("words.shout calls respawn.notify") == 0);
    REQUIRE(shown(desk.lint("game/words")) == "");
}

TEST_CASE("what a function within a phase does is said once") {
    const Desk desk;
    std::string text(sound_runbook);
    text.replace(text.find("  case.facts = duel"), 0,
                 "  local function tell() respawn.notify { text = \"hm\" } end --!\n  tell()\n");
    desk.put("game/duel", text);
    const auto findings = desk.lint("game/duel");
    INFO(shown(findings));
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].line == marked_line(text));
}

TEST_CASE("other ways to write a runbook are sound as well") {
    const Desk desk;
    desk.put("game/words", "local words = {}\nfunction words.title(list) return (\"%d\"):format(#list) "
                           "end\nreturn words\n");
    desk.put("game/gold_test", "local function make() return world {} end\n"
                               "test(\"dry\", function() same(make():run(\"game/gold\", {}, { dry_run "
                               "= true }).state, \"planned\") end)\n"
                               "crash_everywhere(\"game/gold\", {}, make)\n");
    desk.put("game/gold", R"lua(
local respawn, rows = require("respawn"), require("stdlib.rows")
local words = require "words"
local LIMIT <const> = 500
local QUERY = "select id, gold from miners " .. "where gold < 0 order by id limit ?"
local M = {}
M.version, M.summary = "2.1.0", "Sets negative gold of miners back to what the ledger says."
M.uses = { "sql.read", "sql.write", "vault.write", "notify" }
M.rto = "30m"
M.params = { max = { type = "integer", doc = "how many at most", fallback = 100 },
  only = { type = "list", doc = "ids", optional = true } }

local function wanted(c, id)
  if not c.only then return true end
  for _, one in ipairs(c.only) do
    if tonumber(one) == id then return true end
  end
  return false
end

M.diagnose = function(c)
  assert(c.max <= LIMIT, ("at most %d"):format(LIMIT))
  local bad = {}
  for _, miner in ipairs(rows.all(QUERY, c.max)) do
    if #bad > 400 then goto done end
    if wanted(c, miner.id) then bad[#bad + 1] = miner end
  end
  ::done::
  table.sort(bad, function(a, b) return a.id < b.id end)
  respawn.require(#bad > 0, "no miner has negative gold")
  local ok, why = pcall(function() return words.title(bad) end)
  if not ok then respawn.log("odd: " .. tostring(why)) end
  c.bad = bad
end

function M.backup(c) c.saved = respawn.backup { note = words.title(c.bad) } end

function M.repair(c)
  local changes = {}
  for _, miner in ipairs(c.bad) do
    table.insert(changes, { update = "miners", key = { id = miner.id }, set = { gold = 0 }, expect = { gold = miner.gold } })
  end
  c.written = respawn.write { changes = changes, why = "set gold back for " .. #changes .. " miners" }
end

function M.verify(c)
  for _, miner in ipairs(c.bad) do
    local found = rows.one("select gold from miners where id = ?", miner.id)
    respawn.check(miner.id .. " is right", found ~= nil and found.gold == 0)
  end
end

function M.notify(c)
  local ids = {}
  for i, miner in ipairs(c.bad) do ids[i] = ("%d: %d"):format(miner.id, miner.gold) end
  respawn.notify { text = table.concat(ids, ", "), severity = "warning" }
end

return M
)lua");
    REQUIRE(shown(desk.lint("game/gold")) == "");
    desk.put("game/look", R"lua(local respawn = require "respawn"
return {
  version = "1.0.0",
  summary = "Says how many players there are.",
  uses = { "sql.read" },
  diagnose = function(case) case.n = respawn.sql { query = "select count(*) as n from players" }[1].n end,
  verify = function(case) respawn.check("there are players", case.n > 0) end,
}
)lua");
    const auto look = desk.lint("game/look");
    REQUIRE(look.size() == 1);
    REQUIRE(look[0].rule->name == "no-test");
}

TEST_CASE("a comment with a reason silences one finding, in its line or the one below") {
    const Desk desk;
    for (const auto& [from, to] :
         { std::pair{ "back.\",", "back\", -- lint: allow summary-form (it is a title)" },
           { "  summary = \"Ends a duel that no longer moves and gives the stake back.\",",
             "  -- lint: allow summary-form (it is a title)\n  summary = \"Ends it\"," } }) {
        std::string text(sound_runbook);
        text.replace(text.find(from), std::string_view(from).size(), to);
        desk.put("game/duel", text);
        REQUIRE(shown(desk.lint("game/duel")) == "");
    }
}

TEST_CASE("modules that require each other, and themselves, are read once") {
    const Desk desk;
    desk.put("game/a", "local b = require \"b\"\nlocal a = { b = b }\nreturn a\n");
    desk.put("game/b", "local a = require \"a\"\nlocal b = { a = a }\nreturn b\n");
    REQUIRE(shown(desk.lint("game/a")) == "");
}
