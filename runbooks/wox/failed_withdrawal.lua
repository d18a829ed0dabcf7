-- WoX recovery steps, "Failed Withdrawals": look the request up on chain, reverse only what provably was not executed,
-- restore the balance once, tell the player.
local respawn = require "respawn"
local ledger, withdrawals = require "stdlib.ledger", require "stdlib.withdrawals"

local runbook = { version = "1.0.0", rto = "10m", target = "withdrawal:{withdrawal}",
  summary = "Gives a withdrawal back to the player when the chain proves that it was not executed.",
  uses = { "sql.read", "sql.write", "vault.write", "chain", "notify" },
  params = {
    withdrawal = { type = "integer", doc = "id in withdrawal_requests" },
    chain = { type = "text", doc = "a chain of the configuration", fallback = "base" },
  } }

local function reference(case) return "withdrawal:" .. case.withdrawal end

function runbook.diagnose(case)
  local request = withdrawals.find(case.withdrawal)
  respawn.require(request ~= nil, "there is no withdrawal request %d", case.withdrawal)
  respawn.require(request.status ~= "completed" and request.status ~= "reversed", "withdrawal %d is %s already", request.id, request.status)
  if not request.player then respawn.fail("the player of withdrawal %d is gone", request.id) end
  local status, proof = withdrawals.status_on_chain(request, case.chain)
  respawn.log(("withdrawal %d: %d galleons of %s to %s, status %s"):format(
    request.id, request.amount, request.player.name, request.wallet, request.status))
  respawn.log(("on chain: %s, because %s"):format(status, proof))
  respawn.require(status ~= "executed", "withdrawal %d was executed: %s", request.id, proof)
  if status == "unclear" then
    respawn.wait_for_person("withdrawal %d is not proven either way: %s", request.id, proof)
  end
  case.facts = request
end

function runbook.backup(case)
  case.saved = respawn.backup { note = "before reversing withdrawal " .. case.withdrawal }
end

function runbook.repair(case)
  respawn.write {
    why = "reverse the withdrawal and restore the balance",
    changes = {
      withdrawals.reversed(case.facts),
      ledger.reverse_withdrawal(case.facts.player, case.facts.amount, reference(case)),
    },
  }
end

function runbook.verify(case)
  local request = withdrawals.find(case.withdrawal)
  respawn.check("the request is marked as reversed", request.status == "reversed")
  respawn.check("the balance was restored once", ledger.reversals(reference(case)) == 1)
  respawn.check(("%s has the %d galleons back"):format(request.player.name, request.amount),
    request.player.withdrawable_galleons >= case.facts.player.withdrawable_galleons + request.amount)
end

function runbook.notify(case)
  respawn.notify { to = { case.facts.player.name }, title = "Withdrawal " .. case.withdrawal .. " was reversed",
    text = ("Your withdrawal of %d galleons was not executed; the amount is back on your balance."):format(case.facts.amount) }
end

return runbook
