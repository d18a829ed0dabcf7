-- Money of players: every move is a change of the balance and a line in the ledger, in one transaction, once.
local rows = require "stdlib.rows"
local respawn = require "respawn"
local ledger = {}

-- The changes that give `amount` galleons back to a player for `reference` ("duel:7"). They happen once, ever: the
-- business key is taken in the same transaction.
function ledger.refund(player, amount, reference)
  return {
    { update = "players", key = { id = player.id }, add = { galleons = amount }, expect = { galleons = player.galleons },
      once = ("refund:%s:player:%d"):format(reference, player.id) },
    { insert = "ledger", set = { player_id = player.id, amount = amount, kind = "refund", reference = reference,
      created_at = respawn.at_write_time } },
  }
end

-- How many refunds a player has had for a reference.
function ledger.refunds(player, reference)
  return rows.value("n", "select count(*) as n from ledger where player_id = ? and kind = 'refund' and reference = ?",
    player.id, reference)
end

-- The changes that put a withdrawn amount back onto the withdrawable balance.
function ledger.reverse_withdrawal(player, amount, reference)
  return {
    { update = "players", key = { id = player.id }, add = { withdrawable_galleons = amount },
      expect = { withdrawable_galleons = player.withdrawable_galleons }, once = "reverse:" .. reference },
    { insert = "ledger", set = { player_id = player.id, amount = amount, kind = "withdrawal_reversed", reference = reference,
      created_at = respawn.at_write_time } },
  }
end

-- How many reversals there were for a reference.
function ledger.reversals(reference)
  return rows.value("n", "select count(*) as n from ledger where kind = 'withdrawal_reversed' and reference = ?", reference)
end

return ledger
