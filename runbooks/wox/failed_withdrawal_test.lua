-- Withdrawal 88: ada asked for 500 galleons an hour ago; they were taken off her balance, of which 30 are left.
-- The chain is at block 10000, two seconds a block: the request was made at about block 8200.
local RUNBOOK, PARAMS = "wox/failed_withdrawal", { withdrawal = 88 }
local REVERSE = "reverse the withdrawal and restore the balance"
local TOKENS = "500000000000000000000"
local SINCE, LATER, DEEP, SHALLOW = 8200, 9000, 9900, 9995

local function world_with_withdrawal(told)
  local game = world { rows = {
    players = {
      { id = 17, wallet = address "ada", name = "ada", galleons = 100, withdrawable_galleons = 30, created_at = now() - 9000000 },
      { id = 23, wallet = address "lin", name = "lin", galleons = 20, withdrawable_galleons = 9, created_at = now() - 9000000 },
    },
    withdrawal_requests = {
      { id = 88, player_id = 17, wallet = address "ada", amount = 500, token_amount = TOKENS, status = told.status or "sent",
        tx_hash = not told.never_sent and tx_hash "payout" or nil, nonce = told.nonce or 41, requested_at = now() - 3600 },
      { id = 89, player_id = 23, wallet = address "lin", amount = 7, token_amount = "7", status = "requested",
        requested_at = now() - 30 },
    },
    ledger = { { id = 1, player_id = 17, amount = -500, kind = "withdrawal", reference = "withdrawal:88", created_at = now() - 3600 } },
  } }
  game:chain(table.unpack(told.chain or { { mined = { { hash = "payout", nonce = 41, block = DEEP, succeeded = false } } } }))
  return game
end

local function balance(game) return game:value "select withdrawable_galleons from players where id = 17" end
local function status(game) return game:value "select status from withdrawal_requests where id = 88" end

local function is_reversed(game)
  local done = game:run(RUNBOOK, PARAMS)
  same(done.state, "done", done.error)
  same({ status(game), balance(game) }, { "reversed", 530 })
  same(game:value "select count(*) from ledger where kind = 'withdrawal_reversed' and amount = 500", 1)
  same(game:value "select sum(withdrawable_galleons) from players where id <> 17", 9, "nobody else is touched")
  same(#game:messages(), 1)
end

-- Nothing is done, in neither mode, and the run says why.
local function is_left(game, state, why)
  local before = game:everything()
  for _, how in ipairs { { dry_run = true }, { dry_run = false } } do
    local left = game:run(RUNBOOK, PARAMS, how)
    same(left.state, state, left.error)
    if not left.error:find(why, 1, true) then error(("it says '%s', not '%s'"):format(left.error, why)) end
    same(game:everything(), before)
  end
  same(#game:messages(), 0)
end

test("a transaction that failed deep in the chain: the balance comes back, once, and the player is told", function()
  local game = world_with_withdrawal {}
  is_reversed(game)
  same(game:messages()[1].text, "ada: Your withdrawal of 500 galleons was not executed; the amount is back on your balance.")
  same(game:run(RUNBOOK, PARAMS).state, "not_needed", "a second time")
  same(balance(game), 530)
end)

test("a power cut in repair, after the commit: resume restores the balance once", function()
  local game = world_with_withdrawal {}
  game:cut_power_after_commit(REVERSE)
  same(game:run(RUNBOOK, PARAMS).state, "interrupted")
  same(balance(game), 530, "the commit happened")
  same(game:resume().state, "done")
  same(balance(game), 530)
  same(game:value "select count(*) from ledger where kind = 'withdrawal_reversed'", 1)
  same(#game:messages(), 1)
end)

crash_everywhere(RUNBOOK, PARAMS, world_with_withdrawal)

test("a dry run shows the balance and changes nothing", function()
  local game = world_with_withdrawal {}
  local before = game:everything()
  local shown = game:run(RUNBOOK, PARAMS, { dry_run = true })
  same(shown.state, "planned", shown.error)
  same(game:everything(), before)
  same(#game:messages(), 0)
  local balances = {}
  for _, row in ipairs(shown.effects[2].rows) do
    if row.table == "players" then balances = { row.before.withdrawable_galleons, row.after.withdrawable_galleons } end
  end
  same(balances, { 30, 530 })
end)

test("a rehearsal reverses it in the copy, asks the live chain and tells nobody", function()
  local game = world_with_withdrawal {}
  game:backup()
  local before = game:everything()
  local rehearsed = game:run(RUNBOOK, PARAMS, { rehearse = true })
  same(rehearsed.state, "passed", rehearsed.error)
  same(game:everything(), before)
  same(#game:messages(), 0)
end)

test("a transaction that succeeded is left alone", function()
  is_left(world_with_withdrawal { chain = { { mined = { { hash = "payout", nonce = 41, block = DEEP } } } } },
    "not_needed", "succeeded in block 9900")
end)

test("a request that is completed, reversed or not there is left alone", function()
  is_left(world_with_withdrawal { status = "completed" }, "not_needed", "is completed already")
  is_left(world_with_withdrawal { status = "reversed" }, "not_needed", "is reversed already")
  same(world_with_withdrawal {}:run(RUNBOOK, { withdrawal = 4711 }).error, "there is no withdrawal request 4711")
end)

test("a transaction that failed only a few blocks ago waits for a person", function()
  is_left(world_with_withdrawal { chain = { { mined = { { hash = "payout", nonce = 41, block = SHALLOW, succeeded = false } } } } },
    "needs_person", "is only 5 blocks deep")
end)

test("a transaction that is pending waits for a person", function()
  is_left(world_with_withdrawal { chain = { { pending = { { hash = "payout", nonce = 41 } } } } },
    "needs_person", "is still pending")
end)

test("a transaction that nobody knows, whose nonce is not spent, waits for a person", function()
  is_left(world_with_withdrawal { chain = { { nonce = 41 } } }, "needs_person", "it could still be mined")
end)

test("a transaction that nobody knows, without a nonce on record, waits for a person", function()
  local game = world_with_withdrawal { never_sent = true, chain = { { nonce = 41 } } }
  game:execute "update withdrawal_requests set nonce = null where id = 88"
  is_left(game, "needs_person", "no nonce was recorded")
end)

test("a nonce spent by another transaction that paid nothing: the balance comes back", function()
  is_reversed(world_with_withdrawal { chain = { {
    mined = { { hash = "replacement", nonce = 41, block = DEEP } },
    transfers = {
      { transaction = "earlier", to = "ada", amount = TOKENS, block = SINCE - 1000 },
      { transaction = "to another", to = "lin", amount = TOKENS, block = LATER },
      { transaction = "another amount", to = "ada", amount = "7", block = LATER },
    } } } })
end)

test("a nonce spent by another transaction that paid the player is left alone", function()
  is_left(world_with_withdrawal { chain = { {
    mined = { { hash = "replacement", nonce = 41, block = DEEP } },
    transfers = { { transaction = "replacement", to = "ada", amount = TOKENS, block = DEEP } } } } },
    "not_needed", "paid " .. TOKENS)
end)

test("a nonce spent only a few blocks ago waits for a person", function()
  is_left(world_with_withdrawal { chain = { { nonce = 41, mined = { { hash = "replacement", nonce = 41, block = SHALLOW } } } } },
    "needs_person", "it could still be mined")
end)

test("two endpoints that differ wait for a person", function()
  is_left(world_with_withdrawal { chain = {
    { mined = { { hash = "payout", nonce = 41, block = DEEP, succeeded = false } } },
    { mined = { { hash = "payout", nonce = 41, block = DEEP } } } } },
    "needs_person", "differ on transaction")
end)

test("an endpoint that does not answer sensibly stops the run, and nothing is done", function()
  for _, fault in ipairs { "html", "server_error", "refusal" } do
    local game = world_with_withdrawal { chain = { { fault = fault } } }
    local before = game:everything()
    same(game:run(RUNBOOK, PARAMS).state, "failed", fault)
    same(game:everything(), before)
  end
end)
