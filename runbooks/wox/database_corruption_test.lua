-- A game of 300 players that was backed up; then a duel and a deposit came, and then the file was damaged.
local RUNBOOK = "wox/database_corruption"

local function healthy_world()
  local players, ledger = {}, {}
  for id = 1, 300 do
    players[id] = { id = id, wallet = address("player " .. id), name = "player " .. id, galleons = id, created_at = now() - 9000000 }
    ledger[id] = { id = id, player_id = id, amount = id, kind = "deposit", reference = "deposit:" .. id, created_at = now() - 9000000 }
  end
  local game = world { rows = { players = players, ledger = ledger } }
  game:backup()
  return game
end

local function write_more(game)
  game:execute("insert into active_duels values (1, 1, 2, 0, 'active', ?, ?, null)", now(), now())
  game:execute("insert into ledger values (301, 1, 99, 'deposit', 'deposit:301', ?)", now())
end

local function damaged_world()
  local game = healthy_world()
  game:corrupt_database()
  return game
end

local function is_as_backed_up(game)
  same(game:value "pragma integrity_check", "ok")
  same(game:rows "select count(*) as n, sum(galleons) as galleons from players", { { n = 300, galleons = 45150 } })
  same(game:value "select count(*) from ledger", 300)
end

-- The files beside the database that are not part of it.
local function kept_aside(game)
  local kept = {}
  for _, name in ipairs(game:files()) do
    if name ~= "game.db" then kept[#kept + 1] = name end
  end
  return kept
end

test("overwritten bytes: the newest backup comes back, the damaged file is kept, people are told", function()
  local game = damaged_world()
  local done = game:run(RUNBOOK)
  same(done.state, "done", done.error)
  is_as_backed_up(game)
  same(#kept_aside(game), 1)
  same(#game:messages(), 1)
  same(game:messages()[1].severity, "critical")
end)

test("a file that was cut off comes back", function()
  local game = healthy_world()
  game:truncate_database()
  local done = game:run(RUNBOOK)
  same(done.state, "done", done.error)
  is_as_backed_up(game)
  same(#kept_aside(game), 1)
end)

test("what was written since the backup is named as lost", function()
  local game = healthy_world()
  write_more(game)
  game:corrupt_database "withdrawals_by_status" -- the tables that have the new rows can still be read
  local shown = game:run(RUNBOOK, {}, { dry_run = true })
  same(shown.state, "planned", shown.error)
  local log = table.concat(shown.log, "\n")
  for _, line in ipairs { "ledger: 301 rows now, 300 in the backup", "active_duels: 1 rows now, 0 in the backup",
    "1 tables cannot be read any more" } do
    if not log:find(line, 1, true) then error(("'%s' is not said:\n%s"):format(line, log)) end
  end
end)

test("run a second time it keeps what was written after the restore", function()
  local game = damaged_world()
  same(game:run(RUNBOOK).state, "done")
  game:execute "update players set galleons = 1000 where id = 1"
  same(game:run(RUNBOOK).state, "not_needed")
  same(game:value "select galleons from players where id = 1", 1000)
end)

crash_everywhere(RUNBOOK, {}, damaged_world)

test("killed before the older database is accepted: after the resume other runbooks can write to it", function()
  local game = healthy_world()
  game:execute("insert into active_duels values (1, 1, 2, 10, 'active', ?, ?, null)", now() - 9000, now() - 9000)
  game:backup()
  same(game:run("wox/stuck_duel", { duel = 1 }).state, "done")
  game:corrupt_database()
  game:cut_power "before accept_marker"
  same(game:run(RUNBOOK).state, "interrupted")
  same(game:resume().state, "done")
  same(game:value "select status from active_duels", "active", "it went back to before the duel was ended")
  same(game:run("wox/stuck_duel", { duel = 1 }).state, "done")
end)

test("a dry run changes nothing", function()
  local game = damaged_world()
  local before = game:files()
  local shown = game:run(RUNBOOK, {}, { dry_run = true })
  same(shown.state, "planned", shown.error)
  same(shown.effects[1].name, "restore")
  same(game:files(), before)
  fails(function() return game:value "select sum(galleons) from players" end, "malformed")
  same(#game:messages(), 0)
end)

test("a rehearsal brings a backup back in the copy's place, though the copy is sound", function()
  local game = damaged_world()
  same(game:run(RUNBOOK, {}, { rehearse = true }).state, "not_needed")
  local files = game:files()
  local rehearsed = game:run(RUNBOOK, {}, { rehearse = true, regardless = true })
  same(rehearsed.state, "passed", rehearsed.error)
  same(rehearsed.effects[1].name, "restore")
  same(game:files(), files)
  same(#game:messages(), 0)
end)

test("a sound database is left alone", function()
  local game = healthy_world()
  write_more(game)
  local before = game:everything()
  same(game:run(RUNBOOK).error, "the database is sound")
  same(game:run(RUNBOOK).state, "not_needed")
  same(game:everything(), before)
end)

test("without a backup it stops and leaves the damaged file where it is", function()
  local game = world { rows = { players = { { id = 1, wallet = "w", name = "ada", galleons = 1, created_at = now() } } } }
  game:corrupt_database()
  local stopped = game:run(RUNBOOK)
  same(stopped.state, "failed")
  same(kept_aside(game), {})
end)
