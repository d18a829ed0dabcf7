-- WoX backup procedures, "Database Corruption": detect, set the damaged file aside, restore the newest good backup,
-- verify counts and sums, say what is lost since.
local respawn = require "respawn"

local runbook = { version = "1.0.0", rto = "15m", deadline = "2h",
  summary = "Replaces a damaged game database by the newest good backup and says what is lost since.",
  uses = { "sql.read", "vault.read", "notify" },
  params = { snapshot = { type = "text", doc = "which backup to bring back", fallback = "latest" } } }

local function count(table_name)
  local ok, found = pcall(respawn.sql, { query = ('select count(*) as n from "%s"'):format(table_name:gsub('"', '""')) })
  return ok and found[1].n or nil
end

-- What can still be counted in the damaged database, beside what the backup holds.
local function say_what_is_lost(saved)
  local unreadable = 0
  for name, held in pairs(saved.tables) do
    local present = count(name)
    if not present then
      unreadable = unreadable + 1
    elseif present ~= held.rows then
      respawn.log(("  %s: %d rows now, %d in the backup"):format(name, present, held.rows))
    end
  end
  if unreadable > 0 then
    respawn.log(("  %d tables cannot be read any more: what changed in them since the backup cannot be told"):format(unreadable))
  end
end

function runbook.diagnose(case)
  case.faults = respawn.faults {}
  respawn.require(#case.faults > 0, "the database is sound")
  for i = 1, math.min(#case.faults, 5) do respawn.log(case.faults[i]) end
  if #case.faults > 5 then respawn.log(("and %d faults more"):format(#case.faults - 5)) end
  case.saved = respawn.snapshot { name = case.snapshot }
  local age = respawn.now() - case.saved.taken_at
  respawn.log(("newest good backup: %s of %s, %d h %d min %d s old"):format(case.saved.id, case.saved.time, age // 3600, age % 3600 // 60, age % 60))
  respawn.log("what was written since then is lost from the live database, but stays in the file set aside:")
  say_what_is_lost(case.saved)
end

function runbook.repair(case)
  case.restored = respawn.restore { snapshot = case.saved.id }
end

function runbook.verify(case)
  respawn.check("the database is sound", #respawn.faults {} == 0)
  local tables = 0
  for name, held in pairs(case.saved.tables) do
    respawn.check(("%s has the backup's %d rows"):format(name, held.rows), count(name) == held.rows)
    tables = tables + 1
  end
  respawn.check("the backup had tables", tables > 0)
end

function runbook.notify(case)
  respawn.notify { title = "The game database was restored", severity = "critical",
    text = ("The database was damaged and is back as it was at %s. What came later is lost from it."):format(case.saved.time) }
end

return runbook
