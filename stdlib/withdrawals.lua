-- Withdrawals: galleons that leave the game for a player's wallet by a transfer on chain.
local rows = require "stdlib.rows"
local respawn = require "respawn"
local withdrawals = {}

-- A request with its player; nil when there is none with this id.
function withdrawals.find(id)
  local request = rows.one("select * from withdrawal_requests where id = ?", id)
  if request then
    request.player = rows.one("select id, name, wallet, withdrawable_galleons from players where id = ?", request.player_id)
  end
  return request
end

-- Was the request executed on chain? Gives "executed", "not executed" or "unclear", and the proof as a sentence.
-- Only two things prove that it was not: the transaction is in a block that is deep enough and failed there; or its
-- nonce was spent, deep enough, by another transaction, and no transfer of this amount went to this wallet since.
function withdrawals.status_on_chain(request, chain)
  local sender = respawn.chain_address { chain = chain, name = "hot_wallet" }
  if request.tx_hash then
    local sent = respawn.chain_transaction { chain = chain, hash = request.tx_hash }
    if sent.state == "mined" and sent.deep_enough then
      if sent.succeeded then
        return "executed", ("transaction %s succeeded in block %d"):format(request.tx_hash, sent.block)
      end
      return "not executed", ("transaction %s failed in block %d, %d blocks deep"):format(request.tx_hash, sent.block, sent.depth)
    elseif sent.state == "mined" then
      return "unclear", ("transaction %s is only %d blocks deep"):format(request.tx_hash, sent.depth)
    elseif sent.state == "pending" then
      return "unclear", ("transaction %s is still pending"):format(request.tx_hash)
    end
  end
  if not request.nonce then
    return "unclear", "the chain does not know the transaction, and no nonce was recorded"
  end
  local spent = respawn.chain_nonce { chain = chain, address = sender }
  if spent <= request.nonce then
    return "unclear", ("the chain does not know the transaction, and its nonce %d is not spent: it could still be mined"):format(request.nonce)
  end
  local paid = respawn.chain_transfers { chain = chain, token = "galleon_token", from = sender, to = request.wallet, since = request.requested_at }
  for _, transfer in ipairs(paid) do
    if transfer.amount == request.token_amount then
      return "executed", ("transaction %s paid %s to %s"):format(transfer.hash, transfer.amount, request.wallet)
    end
  end
  return "not executed", ("nonce %d was spent by another transaction, and nothing of %d went to %s since the request"):format(
    request.nonce, request.amount, request.wallet)
end

-- The change that marks a request as reversed.
function withdrawals.reversed(request)
  return { update = "withdrawal_requests", key = { id = request.id }, set = { status = "reversed", updated_at = respawn.at_write_time },
    expect = { status = request.status, amount = request.amount, player_id = request.player_id, tx_hash = request.tx_hash } }
end

return withdrawals
