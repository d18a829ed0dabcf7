-- Single rows as they were at another moment: what `respawn restore --table TABLE --key COLUMN=VALUE` runs.
local respawn = require "respawn"

local runbook = { version = "1.0.0", rto = "2m", target = "rows:{table}",
  summary = "Brings single rows of a table back as they were in a backup.",
  uses = { "vault.read", "sql.write" },
  params = {
    table = { type = "text", doc = "the table" },
    keys = { type = "text", doc = "the rows, a line each: COLUMN=VALUE, several with a comma between them" },
    backup = { type = "text", doc = "an id, a prefix of one, latest, latest:PLAN or @TIME", fallback = "latest" },
    component = { type = "text", doc = "the database, when there are several", optional = true },
    leave_out = { type = "boolean", doc = "leave out rows that cannot be brought back", fallback = false },
  } }

local function look(case, snapshot)
  return respawn.compare_rows { component = case.component, table = case.table, keys = case.keys, snapshot = snapshot }
end

function runbook.diagnose(case)
  local found = look(case, case.backup)
  for _, row in ipairs(found.rows) do
    if row.state == "unclear" then respawn.log(row.row .. ": " .. row.problem) end
    if row.state == "gone" then respawn.log(row.row .. " is gone; it comes back") end
  end
  if found.unclear > 0 and not case.leave_out then
    respawn.fail("%d of %d rows cannot be brought back from snapshot %s of %s (--leave-out brings back the others)",
      found.unclear, #found.rows, found.id, found.time)
  end
  respawn.require(found.differ > 0, "nothing differs from snapshot %s of %s", found.id, found.time)
  case.found = found
end

function runbook.repair(case)
  respawn.restore_rows { component = case.component, table = case.table, keys = case.keys, snapshot = case.found.id,
    why = ("bring %d rows of %s back from snapshot %s"):format(case.found.differ, case.table, case.found.id) }
end

function runbook.verify(case)
  respawn.check("the rows are as they were", look(case, case.found.id).differ == 0)
end

return runbook
