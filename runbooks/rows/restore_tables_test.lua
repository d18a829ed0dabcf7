-- ada and mo as the backup has them; then the game went wrong: mo is gone, ada's seat is another's, a stranger has mo's name.
local function world_gone_wrong()
  local game = world { schema = "rows.sql", rows = {
    players = { { id = 17, name = "ada", galleons = 100, luck = 0.5 }, { id = 42, name = "mo", galleons = 7, note = "y" } },
    seats = { { match = 7, slot = 1, player = 17 }, { match = 7, slot = 2, player = 42 } },
  } }
  game:backup()
  game:execute "insert into players (id, name, galleons) values (99, 'eve', 5)"
  game:execute "update seats set player = 99 where match = 7"
  game:execute "insert into seats values (8, 1, 99)"
  game:execute "delete from players where id = 42"
  game:execute "update players set note = 'rich' where id = 17"
  return game
end

local function players(game) return game:rows "select id, name, galleons, luck, note from players order by id" end
local function seats(game) return game:rows "select * from seats order by match, slot" end

local BOTH = { tables = "seats\nplayers" }
local PLAYERS = { { id = 17, name = "ada", galleons = 100, luck = 0.5 }, { id = 42, name = "mo", galleons = 7, note = "y" } }
local SEATS = { { match = 7, slot = 1, player = 17 }, { match = 7, slot = 2, player = 42 } }

test("tables that refer to each other become what they were, whichever is named first, and that is undone", function()
  local game = world_gone_wrong()
  local wrong_players, wrong_seats = players(game), seats(game)
  local done = game:run("rows/restore_tables", BOTH)
  same(done.state, "done", done.error)
  same(players(game), PLAYERS)
  same(seats(game), SEATS)
  same(game:run("rows/restore_tables", BOTH).state, "not_needed")
  same(game:run("rows/undo", { run = done.run }).state, "done")
  same(players(game), wrong_players)
  same(seats(game), wrong_seats)
end)

test("a row that others still refer to leaves all as it is", function()
  local game = world_gone_wrong()
  local before = game:everything()
  same(game:run("rows/restore_tables", { tables = "players" }).state, "failed")
  same(game:everything(), before)
end)

test("a dry run shows the rows before and after, and changes nothing", function()
  local game = world_gone_wrong()
  local before = game:everything()
  local shown = game:run("rows/restore_tables", BOTH, { dry_run = true })
  same(shown.state, "planned", shown.error)
  same(game:everything(), before)
  same(#shown.effects[1].rows, 6)
end)

test("a table that is not there, and none", function()
  local game = world_gone_wrong()
  local before = game:everything()
  local missing = game:run("rows/restore_tables", { tables = "playrs" })
  if not missing.error:find "playrs" then error(missing.error) end
  same(game:run("rows/restore_tables", { tables = "\n" }).state, "failed")
  same(game:everything(), before)
end)

test("a rehearsal brings them back in a copy of the mishap", function()
  local game = world_gone_wrong()
  local first = game:run("rows/restore_tables", BOTH, { dry_run = true }).effects[1].arguments.snapshot
  game:backup()
  local before = game:everything()
  local rehearsed = game:run("rows/restore_tables", { tables = BOTH.tables, backup = first }, { rehearse = true })
  same(rehearsed.state, "passed", rehearsed.error)
  same(#rehearsed.effects[1].rows, 6)
  same(game:everything(), before)
end)

crash_everywhere("rows/restore_tables", BOTH, world_gone_wrong)
