-- ada, lin and mo as the backup has them; then the game went wrong: lin is gone, mo has lost all.
local function world_gone_wrong()
  local game = world { schema = "rows.sql", rows = {
    players = {
      { id = 17, name = "ada", galleons = 100, luck = 0.5 },
      { id = 23, name = "lin", galleons = 20, luck = 0.1, note = "x" },
      { id = 42, name = "mo", galleons = 7, luck = 0.30000000000000004, note = "y" },
    },
    seats = { { match = 7, slot = 1, player = 17 }, { match = 7, slot = 2, player = 42 } },
  } }
  game:backup()
  game:execute "update players set galleons = 0, note = null, luck = 9.0 where id = 42"
  game:execute "delete from players where id = 23"
  game:execute "insert into players (id, name, galleons) values (99, 'new', 5)"
  game:execute "update seats set player = null where match = 7 and slot = 2"
  return game
end

local function players(game) return game:rows "select id, name, galleons, luck, note from players order by id" end

local AS_IT_WAS = {
  { id = 17, name = "ada", galleons = 100, luck = 0.5 },
  { id = 23, name = "lin", galleons = 20, luck = 0.1, note = "x" },
  { id = 42, name = "mo", galleons = 7, luck = 0.30000000000000004, note = "y" },
  { id = 99, name = "new", galleons = 5 },
}

test("rows come back as they were, whatever column names them, and nothing else changes", function()
  local game = world_gone_wrong()
  local done = game:run("rows/restore_rows", { table = "players", keys = "id=42\nname=lin" })
  same(done.state, "done", done.error)
  same(players(game), AS_IT_WAS)
  same(game:rows "select * from gains", { { player = 42, before = 0, after = 7 } }, "the game's triggers see it")
  same(game:run("rows/restore_rows", { table = "players", keys = "id=42\nname=lin" }).state, "not_needed")
end)

test("a key of several columns, as text and as JSON", function()
  local game = world_gone_wrong()
  same(game:run("rows/restore_rows", { table = "seats", keys = 'match=7, slot=2\n{"match": 7, "slot": 2}' }).state, "done")
  same(game:value "select player from seats where match = 7 and slot = 2", 42)
end)

test("a row that the backup does not have stops it all, unless it is left out", function()
  local game = world_gone_wrong()
  local before = game:everything()
  local refused = game:run("rows/restore_rows", { table = "players", keys = "id=42\nid=99\nid=23" })
  same(refused.state, "failed")
  if not refused.error:find "1 of 3 rows cannot be brought back" then error(refused.error) end
  same(game:everything(), before)
  same(game:run("rows/restore_rows", { table = "players", keys = "id=42\nid=99\nid=23", leave_out = true }).state, "done")
  same(players(game), AS_IT_WAS)
end)

test("a key that names several rows, a column and a table that are not there", function()
  local game = world_gone_wrong()
  local before = game:everything()
  same(game:run("rows/restore_rows", { table = "seats", keys = "match=7" }).state, "failed")
  local column = game:run("rows/restore_rows", { table = "players", keys = "idd=42" })
  if not column.error:find "no column idd" then error(column.error) end
  local missing = game:run("rows/restore_rows", { table = "playrs", keys = "id=42" })
  if not missing.error:find "no table playrs" then error(missing.error) end
  same(game:everything(), before)
end)

test("what the game refuses leaves all as it is", function()
  local game = world_gone_wrong()
  game:execute "insert into players (id, name, galleons) values (100, 'lin', 1)"
  local before = game:everything()
  same(game:run("rows/restore_rows", { table = "players", keys = "id=42\nid=23" }).state, "failed", "the name is taken")
  same(game:everything(), before)
end)

test("a dry run shows the rows before and after, and changes nothing", function()
  local game = world_gone_wrong()
  local before = game:everything()
  local shown = game:run("rows/restore_rows", { table = "players", keys = "id=42" }, { dry_run = true })
  same(shown.state, "planned", shown.error)
  same(game:everything(), before)
  same(shown.effects[1].rows[1].before.galleons, 0)
  same(shown.effects[1].rows[1].after.galleons, 7)
end)

test("a rehearsal brings them back in a copy of the mishap", function()
  local game = world_gone_wrong()
  local params = { table = "players", keys = "id=42\nid=23" }
  params.backup = game:run("rows/restore_rows", params, { dry_run = true }).effects[1].arguments.snapshot
  game:backup()
  local before = game:everything()
  local rehearsed = game:run("rows/restore_rows", params, { rehearse = true })
  same(rehearsed.state, "passed", rehearsed.error)
  same(game:everything(), before)
end)

crash_everywhere("rows/restore_rows", { table = "players", keys = "id=42\nid=23" }, world_gone_wrong)
