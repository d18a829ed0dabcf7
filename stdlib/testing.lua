-- What a test file has besides the language (docs/testing-runbooks.md): each field of this table is a global there.
local respawn = require "respawn"
local testing = {}

local MOST_LINES = 40
local MOST_ITEMS = 200 -- of a list that is compared item by item

-- ---- comparing ----

local function shown(value)
  if type(value) == "string" then return "'" .. value .. "'" end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, member in pairs(value) do
    parts[#parts + 1] = type(key) == "number" and shown(member) or key .. " = " .. shown(member)
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- Whether a table is a list of several things.
local function is_list(value) return type(value) == "table" and #value > 0 and next(value, #value) == nil end

-- Lists of another length: what is too much, what is missing, and what stands around it, line by line.
local function list_differences(path, actual, expected, lines)
  local left, right, common = {}, {}, {}
  for i, item in ipairs(actual) do left[i] = shown(item) end
  for i, item in ipairs(expected) do right[i] = shown(item) end
  for i = #left + 1, 1, -1 do -- the longest common rest of both, from each pair of places
    common[i] = {}
    for j = #right + 1, 1, -1 do
      if i > #left or j > #right then common[i][j] = 0
      elseif left[i] == right[j] then common[i][j] = common[i + 1][j + 1] + 1
      else common[i][j] = math.max(common[i + 1][j], common[i][j + 1]) end
    end
  end
  lines[#lines + 1] = ("%s has %d items and should have %d (- should not be there, + is missing)"):format(
    path == "" and "the list" or path, #left, #right)
  local i, j = 1, 1
  while i <= #left or j <= #right do
    if i <= #left and j <= #right and left[i] == right[j] then
      lines[#lines + 1], i, j = "    " .. left[i], i + 1, j + 1
    elseif j > #right or (i <= #left and common[i + 1][j] >= common[i][j + 1]) then
      lines[#lines + 1], i = "  - " .. left[i], i + 1
    else
      lines[#lines + 1], j = "  + " .. right[j], j + 1
    end
  end
  return lines
end

local function differences(path, actual, expected, lines)
  local lists = is_list(actual) and is_list(expected) and #actual ~= #expected
  if lists and #actual <= MOST_ITEMS and #expected <= MOST_ITEMS then return list_differences(path, actual, expected, lines) end
  if type(actual) ~= "table" or type(expected) ~= "table" then
    if actual ~= expected then
      local pair = ("is        %s\n    should be %s"):format(shown(actual), shown(expected))
      lines[#lines + 1] = (path == "" and "  " or path .. "\n    ") .. pair
    end
    return lines
  end
  local keys = {}
  for key in pairs(expected) do keys[key] = true end
  for key in pairs(actual) do keys[key] = true end
  for key in pairs(keys) do
    local name = type(key) == "number" and ("[%d]"):format(key) or (path == "" and "" or ".") .. tostring(key)
    differences(path .. name, actual[key], expected[key], lines)
  end
  return lines
end

local function difference(actual, expected)
  local lines = differences("", actual, expected, {})
  if #lines == 0 then return nil end
  local left_out = #lines - MOST_LINES
  if left_out > 0 then lines = { table.unpack(lines, 1, MOST_LINES) } end
  return table.concat(lines, "\n  ") .. (left_out > 0 and ("\n  and %d differences more"):format(left_out) or "")
end

-- Fails unless both are equal, tables by what they hold.
function testing.same(actual, expected, text)
  local found = difference(actual, expected)
  if found then error((text and text .. ": " or "") .. "not the same\n  " .. found, 2) end
end

-- Fails unless the function raises an error whose text has the pattern in it.
function testing.fails(fn, pattern)
  local ok, why = pcall(fn)
  if ok then error("it should have failed", 2) end
  if pattern and not tostring(why):find(pattern) then
    error(("it failed with %s, which has no %s in it"):format(tostring(why), pattern), 2)
  end
end

-- ---- tests ----

-- One test: fails when the function raises an error. What it returns is put behind its name.
function testing.test(name, fn)
  respawn.test_begin { name = name }
  local ok, result = pcall(fn)
  respawn.test_end { passed = ok, why = not ok and tostring(result) or "", note = ok and type(result) == "string" and result or "" }
end

-- ---- worlds ----

local World = {}
World.__index = World

-- A game of its own: world { schema = "world.sql", rows = { players = { { … }, … } }, files = { name = "text" } }; or
-- with its tables in `sql`, as text.
function testing.world(made_of)
  local id = respawn.world_make { sql = made_of.sql or "",
    schema = made_of.schema or "world.sql", rows = made_of.rows or {}, files = made_of.files or {} }
  return setmetatable({ id = id }, World)
end

-- Runs a runbook: {state, error, effects, plan, log}. With { dry_run = true } nothing is done; with { rehearse = true } it is
-- done on a copy of the newest backup, or of `backup`, with { regardless = true } also where nothing needs doing there.
-- { answers = { "yes" } } are a person's to what it asks, in order.
function World:run(runbook, params, how)
  how = how or {}
  return respawn.world_run { world = self.id, runbook = runbook, params = params or {}, dry_run = how.dry_run == true,
    rehearse = how.rehearse == true, backup = how.backup or "", regardless = how.regardless == true, answers = how.answers or {} }
end

-- Goes on with the run that was interrupted, failed or waits.
function World:resume(how)
  return respawn.world_resume { world = self.id, beyond_plan = how ~= nil and how.beyond_plan == true }
end

-- All rows of a query, from the live database.
function World:rows(sql, ...) return respawn.world_query { world = self.id, sql = sql, with = { ... } } end

-- The first column of the only row. A query of one column is asked for.
function World:value(sql, ...)
  local rows = self:rows(sql, ...)
  if #rows ~= 1 then error(("%d rows where one was expected: %s"):format(#rows, sql), 2) end
  local _, value = next(rows[1])
  return value
end

-- Changes the live database, as the game or a mishap would.
function World:execute(sql, ...) respawn.world_execute { world = self.id, sql = sql, with = { ... } } end

-- All rows of all tables of the game, for comparing before and after.
function World:everything()
  local all = {}
  for _, row in ipairs(self:rows("select name from sqlite_schema where type = 'table' order by name")) do
    all[row.name] = self:rows(('select * from "%s"'):format(row.name:gsub('"', '""')))
  end
  return all
end

-- Takes a backup of everything; gives its id.
function World:backup() return respawn.world_backup { world = self.id } end

-- Overwrites bytes all over the database file; with a name, in that table or index alone.
function World:corrupt_database(name) respawn.world_corrupt { world = self.id, name = name or "" } end

-- Cuts the database file off in its middle.
function World:truncate_database() respawn.world_truncate { world = self.id } end

-- What was sent to people so far: { title, text, severity, id } each.
function World:messages() return respawn.world_messages { world = self.id } end

-- The names of the files beside the database.
function World:files() return respawn.world_files { world = self.id } end

-- The next run dies when the write with this `why` is committed, before the journal knows of it.
function World:cut_power_after_commit(why) respawn.world_cut { world = self.id, why = why } end

-- The next run dies at this boundary: "before accept_marker", "behind phase repair". crash_everywhere names them.
function World:cut_power(boundary) respawn.world_cut { world = self.id, boundary = boundary } end

-- A name that stands for a transaction's hash or for an address; what is one already stays as it is.
function testing.tx_hash(name) return respawn.named { kind = "hash", name = name } end
function testing.address(name) return respawn.named { kind = "address", name = name } end

local function transactions(list)
  local told = {}
  for i, one in ipairs(list or {}) do
    told[i] = { hash = testing.tx_hash(one.hash), from = testing.address(one.from or "hot_wallet"),
      to = testing.address(one.to or "galleon_token"), nonce = one.nonce or 0, block = one.block or 0,
      succeeded = one.succeeded ~= false }
  end
  return told
end

local function transfers(list)
  local told = {}
  for i, one in ipairs(list or {}) do
    told[i] = { transaction = testing.tx_hash(one.transaction), token = testing.address(one.token or "galleon_token"),
      from = testing.address(one.from or "hot_wallet"), to = testing.address(one.to), amount = one.amount,
      block = one.block or 0 }
  end
  return told
end

-- What the chain "base" says: one table for each of its endpoints (docs/testing-runbooks.md).
function World:chain(...)
  local endpoints = {}
  for i, one in ipairs { ... } do
    endpoints[i] = { height = one.height or 10000, block_seconds = one.block_seconds or 2, fault = one.fault or "",
      mined = transactions(one.mined), pending = transactions(one.pending), transfers = transfers(one.transfers),
      nonces = { [testing.address "hot_wallet"] = one.nonce or 0 } }
  end
  respawn.world_chain { world = self.id, endpoints = endpoints }
end

-- Seconds since 1970, by the clock the runbook is given.
function testing.now() return respawn.now {} end

-- From here on that clock stands at a moment: seconds since 1970, or a text such as "2026-11-22T02:00:00Z". Until the
-- test ends, or for nil until here, it is the machine's.
function testing.set_time(moment) return respawn.clock_set { to = moment } end

-- Moves the clock on by a span, "16m" or seconds; it stands there then.
function testing.advance(span) return respawn.clock_advance { by = span } end

-- ---- power cuts ----

-- What has to be equal, wherever a run was killed.
local function end_of(told)
  return { state = told.state, error = told.error, tables = told.tables, effects = told.effects, runs = told.runs,
    business_keys = told.keys, snapshots = told.snapshots, files = told.files }
end

-- Messages that are missing or came too often. One that may have been sent when the power went may be missing.
local function wrong_messages(told, expected)
  local left, missing = {}, 0
  for _, text in ipairs(expected.messages) do left[text] = (left[text] or 0) + 1 end
  for _, text in ipairs(told.messages) do left[text] = (left[text] or 0) - 1 end
  for text, count in pairs(left) do
    if count < 0 then return "was sent too often: " .. text end
    missing = missing + count
  end
  if missing > told.maybe then return ("%d messages are missing"):format(missing) end
  return nil
end

local function crash(runbook, params, make_world, answers, at, again_at)
  testing.set_time(nil) -- make_world may set it, each time anew
  local world = make_world {}
  local given = type(params) == "function" and params(world) or params or {}
  local told = respawn.world_crash { world = world.id, runbook = runbook, params = given, answers = answers,
    at = at, again_at = again_at }
  respawn.world_end { world = world.id }
  return told
end

-- Every third time the resumption is killed as well, each time a little later.
local function second_kill(at) return at % 3 == 0 and 1 + at // 3 % 8 or 0 end

-- Kills the run at every boundary of its journal and behind every commit, each in a fresh world, resumes it, and
-- compares what is left with an undisturbed run. `params` may be a function of the world.
function testing.crash_everywhere(runbook, params, make_world, how)
  local answers = how and how.answers or {}
  testing.test("killed at every boundary, " .. runbook .. " ends the same and does nothing twice", function()
    local undisturbed = crash(runbook, params, make_world, answers, 0, 0)
    testing.same(undisturbed.state, "done", "undisturbed, it ends")
    if #undisturbed.effects == 0 then error("the run has no effects that a power cut could spoil") end
    local boundaries = 0
    while true do
      local told = crash(runbook, params, make_world, answers, boundaries + 1, second_kill(boundaries + 1))
      if not told.killed then break end
      boundaries = boundaries + 1
      testing.same(end_of(told), end_of(undisturbed), ("killed %s, then resumed"):format(told.boundary))
      local wrong = wrong_messages(told, undisturbed)
      if wrong then error(("killed %s, then resumed: a message %s"):format(told.boundary, wrong)) end
    end
    if boundaries == 0 then error("the run was killed nowhere") end
    respawn.covered { runbook = runbook, boundaries = boundaries }
    return ("%d boundaries"):format(boundaries)
  end)
end

return testing
