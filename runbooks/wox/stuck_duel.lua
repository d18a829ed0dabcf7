-- WoX recovery steps, "Stuck Duels": is it truly stuck, save its state, force its end, compensate the players.
local respawn = require "respawn"
local duels, ledger = require "stdlib.duels", require "stdlib.ledger"

local STUCK_AFTER_MINUTES = 15

local runbook = { version = "1.0.0", rto = "10m", target = "duel:{duel}",
  summary = "Ends a duel that no longer moves and gives both stakes back.",
  uses = { "sql.read", "sql.write", "vault.write", "notify" },
  params = { duel = { type = "integer", doc = "id in active_duels" } } }

function runbook.diagnose(case)
  local duel = duels.find(case.duel)
  respawn.require(duel ~= nil, "there is no duel %d", case.duel)
  respawn.require(duel.status == "active", "duel %d is %s, not active", duel.id, duel.status)
  local idle = duels.idle_minutes(duel)
  respawn.require(idle >= STUCK_AFTER_MINUTES, "duel %d still moves: its last move was %d minutes ago", duel.id, idle)
  if #duel.players ~= 2 then respawn.fail("duel %d has %d of its players left", duel.id, #duel.players) end
  respawn.log(("duel %d: %s against %s for %d galleons each, no move for %d h %d min: stuck"):format(
    duel.id, duel.players[1].name, duel.players[2].name, duel.stake, idle // 60, idle % 60))
  case.facts = duel
end

function runbook.backup(case)
  case.saved = respawn.backup { note = "before ending duel " .. case.duel }
end

function runbook.repair(case) -- one write, one transaction: the game never sees half of it
  local changes = { duels.ended(case.facts) }
  for _, player in ipairs(case.facts.players) do
    changes[#changes + 1] = ledger.refund(player, case.facts.stake, "duel:" .. case.duel)
  end
  respawn.write { changes = changes, why = "end the duel and return both stakes" }
end

function runbook.verify(case)
  local duel = duels.find(case.duel)
  respawn.check("the duel has ended", duel.status == "ended")
  for i, player in ipairs(case.facts.players) do
    respawn.check(player.name .. " was refunded once", ledger.refunds(player, "duel:" .. case.duel) == 1)
    respawn.check(player.name .. " has the stake back", duel.players[i].galleons >= player.galleons + case.facts.stake)
  end
end

function runbook.notify(case)
  local names = {}
  for _, player in ipairs(case.facts.players) do names[#names + 1] = player.name end
  respawn.notify { to = names, title = "Duel " .. case.duel .. " was ended",
    text = ("Your duel was ended and your stake of %d galleons returned."):format(case.facts.stake) }
end

return runbook
