-- Whole tables as they were at another moment: what `respawn restore --table TABLE` runs.
local respawn = require "respawn"

local runbook = { version = "1.0.0", rto = "5m",
  summary = "Makes whole tables what they were in a backup, row by row.",
  uses = { "vault.read", "sql.write" },
  params = {
    tables = { type = "text", doc = "the tables, a line each" },
    backup = { type = "text", doc = "an id, a prefix of one, latest, latest:PLAN or @TIME", fallback = "latest" },
    component = { type = "text", doc = "the database, when there are several", optional = true },
  } }

local function names(case)
  local list = {}
  for name in case.tables:gmatch "[^\n]+" do list[#list + 1] = name end
  return list
end

local function look(case, snapshot)
  return respawn.compare_tables { component = case.component, tables = names(case), snapshot = snapshot }
end

function runbook.diagnose(case)
  case.found = look(case, case.backup)
  for _, found in ipairs(case.found.tables) do
    respawn.log(("%s: %d that are gone come back, %d changed ones become what they were, %d added since are removed")
      :format(found.table, found.removed, found.changed, found.added))
  end
  respawn.require(case.found.differ > 0, "nothing differs from snapshot %s of %s", case.found.id, case.found.time)
end

function runbook.repair(case)
  respawn.restore_tables { component = case.component, tables = names(case), snapshot = case.found.id,
    why = ("bring %s back from snapshot %s"):format(table.concat(names(case), ", "), case.found.id) }
end

function runbook.verify(case)
  respawn.check("the tables are as they were", look(case, case.found.id).differ == 0)
end

return runbook
