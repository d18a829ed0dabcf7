#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

// A small runbook that does something real, on two tables that most games have in some form.
constexpr std::string_view new_runbook_text =
    R"lua(-- Gives a player back what a fault of the game took from them, once for each ticket.
-- Written by `respawn new runbook`: change the tables and the words to those of your own game, step by step, and run
-- `respawn lint NAME` and `respawn test NAME` after each step. docs/runbooks.md explains what stands here.
local respawn = require "respawn"

local runbook = {
  version = "0.1.0",
  summary = "Gives a player back what a fault took from them, once for each ticket.",
  rto = "10m", -- how soon the game should be well again
  target = "player:{player}", -- two runs never work on the same player at once
  uses = { "sql.read", "sql.write", "vault.write", "notify" }, -- what the calls below need; `respawn lint` knows
  params = { -- respawn run NAME player=17 amount=50 ticket=4711
    player = { type = "integer", doc = "id in players" },
    amount = { type = "integer", doc = "how many galleons were lost" },
    ticket = { type = "text", doc = "the support ticket that says so" },
  },
}

local function find_player(id)
  -- Values never stand in the query itself: each ? is one of `with`.
  return respawn.sql { query = "select id, name, galleons from players where id = ?", with = { id } }[1]
end

local function bookings(case)
  local found = respawn.sql {
    query = "select count(*) as n from ledger where player_id = ? and kind = 'refund' and reference = ?",
    with = { case.player, "ticket:" .. case.ticket },
  }
  return found[1].n
end

-- Reads only. What is required and does not hold ends the run: nothing was needed.
function runbook.diagnose(case)
  local player = find_player(case.player)
  if not player then respawn.fail("there is no player %d", case.player) end
  if case.amount <= 0 then respawn.fail("an amount of %d is none", case.amount) end
  respawn.require(bookings(case) == 0, "ticket %s was refunded already", case.ticket)
  respawn.log(("%s has %d galleons and lost %d"):format(player.name, player.galleons, case.amount))
  case.before = player -- what the later phases need is kept in case
end

-- Saves what will be touched.
function runbook.backup(case)
  case.saved = respawn.backup { note = "before the refund of ticket " .. case.ticket }
end

-- Changes things. One write is one transaction: after any crash it happened as a whole, or not at all.
function runbook.repair(case)
  local reference = "ticket:" .. case.ticket
  respawn.write {
    why = "refund the ticket",
    changes = {
      -- `expect` is what diagnose saw: if it has moved, nothing is done. `once` happens once, ever, whoever runs this.
      { update = "players", key = { id = case.player }, add = { galleons = case.amount },
        expect = { galleons = case.before.galleons }, once = "refund:" .. reference },
      { insert = "ledger", set = { player_id = case.player, amount = case.amount, kind = "refund",
        reference = reference, created_at = respawn.at_write_time } },
    },
  }
end

-- Reads again what must be so now. What does not hold fails the run.
function runbook.verify(case)
  local player = find_player(case.player)
  respawn.check("the ticket was refunded once", bookings(case) == 1)
  respawn.check("the galleons are there", player ~= nil and player.galleons >= case.before.galleons + case.amount)
end

function runbook.notify(case)
  respawn.notify { to = { case.before.name }, title = "Ticket " .. case.ticket,
    text = ("You have %d galleons back."):format(case.amount) }
end

return runbook
)lua";

constexpr std::string_view new_test_text =
    R"lua(-- Tests of NAME, each in a game of its own in a temporary folder. docs/testing-runbooks.md has all the words.
local RUNBOOK, PARAMS = "NAME", { player = 17, amount = 50, ticket = "4711" }

-- The tables that the runbook touches, as your game has them.
local TABLES = [[
  create table players (id integer primary key, name text not null, galleons integer not null check (galleons >= 0));
  create table ledger (id integer primary key, player_id integer not null references players (id), amount integer not null,
    kind text not null, reference text not null, created_at integer not null);
]]

-- ada (17) has 100 galleons, lin (23) has 20.
local function make_world(told)
  return world { sql = TABLES, rows = {
    players = { { id = 17, name = "ada", galleons = told.galleons or 100 }, { id = 23, name = "lin", galleons = 20 } },
  } }
end

local function galleons(game, id) return game:value("select galleons from players where id = ?", id) end

test("the player has the galleons back, and is told", function()
  local game = make_world {}
  local done = game:run(RUNBOOK, PARAMS)
  same(done.state, "done", done.error)
  same({ galleons(game, 17), galleons(game, 23) }, { 150, 20 })
  same(game:messages()[1].text, "ada: You have 50 galleons back.")
end)

test("a power cut after the commit: resume pays once", function()
  local game = make_world {}
  game:cut_power_after_commit "refund the ticket"
  same(game:run(RUNBOOK, PARAMS).state, "interrupted")
  same(game:resume().state, "done")
  same(galleons(game, 17), 150)
end)

test("a dry run shows what would change, and changes nothing", function()
  local game = make_world {}
  local before = game:everything()
  same(game:run(RUNBOOK, PARAMS, { dry_run = true }).state, "planned")
  same(game:everything(), before)
  same(game:messages(), {})
end)

test("a ticket that was refunded already is left alone", function()
  local game = make_world {}
  same(game:run(RUNBOOK, PARAMS).state, "done")
  same(game:run(RUNBOOK, PARAMS).state, "not_needed")
  same(galleons(game, 17), 150)
end)

test("a player who is not there ends the run before anything is done", function()
  local game = make_world {}
  same(game:run(RUNBOOK, { player = 99, amount = 50, ticket = "1" }).error, "there is no player 99")
end)

-- Kills the run everywhere, resumes it, and compares what is left.
crash_everywhere(RUNBOOK, PARAMS, make_world)
)lua";

Result<void> must_be_new_name(const std::string& name) {
    const auto parts = split(name, '/');
    const bool sound = std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                                    std::string_view::npos;
    });
    if (sound && name.size() <= 100 && !name.ends_with("_test"))
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("'{}' is no name for a runbook", printable(name)),
                  .fix = "make it of a-z, 0-9 and _, with / between a folder and the name: respawn new "
                         "runbook shop/refund" };
}

std::string with_name(std::string_view text, const std::string& name) {
    std::string filled(text);
    for (auto at = filled.find("NAME"); at != std::string::npos;
         at = filled.find("NAME", at + name.size()))
        filled.replace(at, 4, name);
    return filled;
}

Result<void> must_be_free(const io::Path& path) {
    if (!io::is_there(path))
        return {};
    return Error{ .kind = Kind::conflict,
                  .what = "write a new runbook",
                  .on = printable(path.string()),
                  .why = "the file is there already",
                  .fix = "take another name; nothing was written" };
}

// Where `respawn run NAME` finds it without more words.
Result<io::Path> folder_for_new(const Context& context) {
    if (context.typed.has("--folder"))
        return io::Path(context.typed.value("--folder"));
    if (context.typed.has("--config"))
        if (const auto folders = TRY(context.config(config::Strictness::lenient)).runbooks;
            !folders.empty())
            return folders.front();
    return io::Path("runbooks");
}

void say_commands(const std::string& name, const io::Path& runbook, const io::Path& test) {
    say(fmt::format("wrote {} and {}\n\nnext", printable(runbook.string()), printable(test.string())));
    for (const auto& [command, what] :
         { std::pair{ fmt::format("respawn lint {}", name), "faults, with their cures" },
           { fmt::format("respawn test {}", name), "its tests, in worlds of their own" },
           { fmt::format("respawn run {} player=17 amount=50 ticket=4711 --dry-run", name),
             "what it would change" },
           { fmt::format("respawn run {} player=17 amount=50 ticket=4711 --rehearse", name),
             "for real, on a copy of the newest backup" } })
        say(fmt::format("  {:<70} {}", command, painted(what, Colour::dim)));
}

Result<int> write_new_runbook(const Context& context) {
    const auto name = context.typed.value("NAME");
    TRY(must_be_new_name(name));
    const auto folder = TRY(folder_for_new(context));
    const auto runbook = folder / (name + ".lua"), test = folder / (name + "_test.lua");
    TRY(must_be_free(runbook));
    TRY(must_be_free(test));
    TRY(io::make_folder(runbook.parent_path(), 0755));
    TRY(io::create_durably(runbook, with_name(new_runbook_text, name), 0644));
    TRY(io::create_durably(test, with_name(new_test_text, name), 0644));
    if (context.json)
        say_json(Value::Map{ { "runbook", runbook.string() }, { "test", test.string() } });
    else
        say_commands(name, runbook, test);
    return 0;
}

} // namespace

extern const Verb new_runbook = {
    .name = "new runbook",
    .summary = "Writes a small runbook and its test to begin with; both pass.",
    .arguments = { { .name = "NAME", .doc = "what it will be run as: shop/refund", .required = true } },
    .options = { { .name = "--folder",
                   .value = "FOLDER",
                   .doc = "where runbooks are; runbooks when left out" } },
    .details = "A file that is there is never overwritten.",
    .example = "respawn new runbook shop/refund",
    .run = write_new_runbook,
};

} // namespace respawn::cli
