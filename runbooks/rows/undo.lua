-- Takes back the rows that a run changed: what `respawn undo RUN` runs.
local respawn = require "respawn"

local runbook = { version = "1.0.0", rto = "2m", target = "undo:{run}",
  summary = "Puts the rows that a run changed back as they were before it, where they have not moved since.",
  uses = { "sql.read", "sql.write" },
  params = {
    run = { type = "text", doc = "the run's id, or the beginning of it" },
    leave_out = { type = "boolean", doc = "leave out rows that have moved since", fallback = false },
  } }

function runbook.diagnose(case)
  local ready, moved = 0, 0
  case.databases = respawn.changes_of_run { run = case.run }
  for _, database in ipairs(case.databases) do
    for _, row in ipairs(database.rows) do
      if row.state == "moved" then respawn.log(row.row .. ": " .. row.problem) end
    end
    ready, moved = ready + database.ready, moved + database.moved
  end
  if moved > 0 and not case.leave_out then
    respawn.fail("%d of %d rows have moved since run %s (--leave-out takes back the others)", moved, ready + moved, case.run)
  end
  respawn.require(ready > 0, "run %s changed no row that is still as it left it", case.run)
end

function runbook.repair(case)
  for _, database in ipairs(case.databases) do
    if database.ready > 0 then
      respawn.undo_rows { component = database.component, run = database.run,
        why = ("take back %d rows that %s changed in run %s"):format(database.ready, database.runbook, database.run) }
    end
  end
end

function runbook.verify(case)
  for _, database in ipairs(respawn.changes_of_run { run = case.run }) do
    respawn.check("the rows of " .. database.component .. " are as they were before", database.ready == 0)
  end
end

return runbook
