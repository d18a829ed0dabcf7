-- A row was brought back that should have stayed as it was.
local function world_with_run()
  local game = world { schema = "rows.sql", rows = {
    players = {
      { id = 17, name = "ada", galleons = 100 }, { id = 23, name = "lin", galleons = 20, note = "x" }, { id = 42, name = "mo", galleons = 7 },
    },
  } }
  game:backup()
  game:execute "update players set galleons = 50, note = 'rich' where id = 42"
  game:execute "delete from players where id = 23"
  local before = game:rows "select id, name, galleons, note from players order by id"
  local done = game:run("rows/restore_rows", { table = "players", keys = "id=42\nid=23" })
  same(done.state, "done", done.error)
  game.done = done.run
  return game, before, done.run
end

local function players(game) return game:rows "select id, name, galleons, note from players order by id" end

test("what a run changed is taken back, and the undoing as well", function()
  local game, before, run = world_with_run()
  local after = players(game)
  local undone = game:run("rows/undo", { run = run })
  same(undone.state, "done", undone.error)
  same(players(game), before)
  same(game:run("rows/undo", { run = run }).state, "not_needed")
  same(game:run("rows/undo", { run = undone.run }).state, "done")
  same(players(game), after)
end)

test("rows that have moved since stop it all, unless they are left out", function()
  local game, _, run = world_with_run()
  game:execute "update players set galleons = 8 where id = 42"
  local moved = game:everything()
  local refused = game:run("rows/undo", { run = run })
  same(refused.state, "failed")
  if not refused.error:find "1 of 2 rows have moved" then error(refused.error) end
  same(game:everything(), moved)
  same(game:run("rows/undo", { run = run, leave_out = true }).state, "done")
  same(players(game), { { id = 17, name = "ada", galleons = 100 }, { id = 42, name = "mo", galleons = 8 } })
end)

test("a dry run shows the rows before and after, and changes nothing", function()
  local game, _, run = world_with_run()
  local before = game:everything()
  local shown = game:run("rows/undo", { run = run }, { dry_run = true })
  same(shown.state, "planned", shown.error)
  same(game:everything(), before)
  local galleons = {}
  for _, row in ipairs(shown.effects[1].rows) do
    if row.table == "players" and row.key.id == 42 then galleons = { row.before.galleons, row.after.galleons } end
  end
  same(galleons, { 7, 50 })
end)

test("a rehearsal takes it back in a copy that was made since", function()
  local game, _, run = world_with_run()
  game:backup()
  local before = game:everything()
  local rehearsed = game:run("rows/undo", { run = run }, { rehearse = true })
  same(rehearsed.state, "passed", rehearsed.error)
  same(game:everything(), before)
end)

test("a run that is not there", function()
  local game = world_with_run()
  same(game:run("rows/undo", { run = "01ZZZZ" }).state, "failed")
end)

crash_everywhere("rows/undo", function(game) return { run = game.done } end, world_with_run)
