-- Duel 7: ada against lin, 50 galleons each. Both paid when it began: ada has 100 left, lin 20. Bo is in no duel.
local function world_with_duel(told)
  local last_move = now() - 60 * (told.idle_minutes or 40)
  return world { rows = {
    players = {
      { id = 17, wallet = address "ada", name = "ada", galleons = 100, created_at = now() - 9000000 },
      { id = 23, wallet = address "lin", name = "lin", galleons = 20, created_at = now() - 9000000 },
      { id = 30, wallet = address "bo", name = "bo", galleons = 5, created_at = now() - 9000000 },
    },
    active_duels = {
      { id = 7, player_a = 17, player_b = 23, stake = 50, status = told.status or "active",
        started_at = last_move - 600, last_move_at = last_move },
      { id = 8, player_a = 17, player_b = 30, stake = 5, status = "active", started_at = now() - 60, last_move_at = now() - 30 },
    },
    duel_moves = { { id = 1, duel_id = 7, player_id = 17, spell = "expelliarmus", at = last_move } },
    ledger = { { id = 1, player_id = 17, amount = -50, kind = "stake", reference = "duel:7", created_at = last_move - 600 } },
  } }
end

local function gold(in_world)
  local all = {}
  for _, player in ipairs(in_world:rows "select name, galleons from players") do all[player.name] = player.galleons end
  return all
end

local ENDED = "end the duel and return both stakes"
local AFTER, BEFORE = { ada = 150, lin = 70, bo = 5 }, { ada = 100, lin = 20, bo = 5 }

test("a stuck duel is ended, both stakes return, both players are told", function()
  local game = world_with_duel {}
  local done = game:run("wox/stuck_duel", { duel = 7 })
  same(done.state, "done", done.error)
  same(gold(game), AFTER)
  same(game:rows "select id, status, ended_at is null as open from active_duels order by id",
    { { id = 7, status = "ended", open = 0 }, { id = 8, status = "active", open = 1 } })
  same(game:rows "select player_id, amount, reference from ledger where kind = 'refund' order by player_id",
    { { player_id = 17, amount = 50, reference = "duel:7" }, { player_id = 23, amount = 50, reference = "duel:7" } })
  same(game:value "select gained from player_totals where player_id = 17", 150, "the trigger counts what was gained")
  same(#game:messages(), 1)
  same(game:messages()[1].text, "ada, lin: Your duel was ended and your stake of 50 galleons returned.")
end)

test("killed after the commit, before the journal knows of it: resume pays nobody twice", function()
  local game = world_with_duel {}
  game:cut_power_after_commit(ENDED)
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "interrupted")
  same(gold(game), AFTER, "the commit happened")
  same(#game:messages(), 0)
  same(game:resume().state, "done")
  same(gold(game), AFTER)
  same(game:value "select count(*) from ledger where kind = 'refund'", 2)
  same(#game:messages(), 1)
end)

crash_everywhere("wox/stuck_duel", { duel = 7 }, world_with_duel)

test("a dry run shows the rows and changes nothing", function()
  local game = world_with_duel {}
  local before = game:everything()
  local shown = game:run("wox/stuck_duel", { duel = 7 }, { dry_run = true })
  same(shown.state, "planned", shown.error)
  same(game:everything(), before)
  same(#game:messages(), 0)
  local names = {}
  for i, effect in ipairs(shown.effects) do names[i] = effect.phase .. " " .. effect.name end
  same(names, { "backup backup", "repair write", "notify notify" })
  local balances = {}
  for _, row in ipairs(shown.effects[2].rows) do
    if row.table == "players" then balances[row.key.id] = { row.before.galleons, row.after.galleons } end
  end
  same(balances, { [17] = { 100, 150 }, [23] = { 20, 70 } })
end)

test("a rehearsal ends it in a copy of the backup, and changes and sends nothing", function()
  local game = world_with_duel {}
  same(game:run("wox/stuck_duel", { duel = 7 }, { rehearse = true }).state, "failed", "there is no backup yet")
  local backup = game:backup()
  local before = game:everything()
  local rehearsed = game:run("wox/stuck_duel", { duel = 7 }, { rehearse = true })
  same(rehearsed.state, "passed", rehearsed.error)
  same(rehearsed.backup, backup)
  same(#rehearsed.effects, 3)
  same(game:everything(), before)
  same(#game:messages(), 0)
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "done", "it is still to be done")
end)

test("a duel that still moves is left alone", function()
  local game = world_with_duel { idle_minutes = 14 }
  local before = game:everything()
  local left = game:run("wox/stuck_duel", { duel = 7 })
  same(left.state, "not_needed")
  same(left.error, "duel 7 still moves: its last move was 14 minutes ago")
  same(game:everything(), before)
  same(#game:messages(), 0)
end)

test("a duel that has ended, or is not there, is left alone", function()
  local game = world_with_duel { status = "ended" }
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "not_needed")
  same(game:run("wox/stuck_duel", { duel = 4711 }).error, "there is no duel 4711")
  same(gold(game), BEFORE)
end)

test("run a second time there is nothing left to do", function()
  local game = world_with_duel {}
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "done")
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "not_needed")
  same(gold(game), AFTER)
end)

test("a duel that is opened again by hand is not refunded a second time", function()
  local game = world_with_duel {}
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "done")
  game:execute "update active_duels set status = 'active', ended_at = null where id = 7"
  same(game:run("wox/stuck_duel", { duel = 7 }).state, "failed")
  same(gold(game), AFTER)
end)
