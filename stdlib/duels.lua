-- Duels between two players, who have both paid the stake when it began.
local rows = require "stdlib.rows"
local respawn = require "respawn"
local duels = {}

-- A duel with its players as `players`, in order; nil when there is none with this id.
function duels.find(id)
  local duel = rows.one("select * from active_duels where id = ?", id)
  if not duel then return nil end
  duel.players = rows.all("select id, name, galleons from players where id in (?, ?) order by id", duel.player_a, duel.player_b)
  return duel
end

-- Whole minutes since the last move.
function duels.idle_minutes(duel) return (respawn.now() - duel.last_move_at) // 60 end

-- The change that ends a duel without a winner.
function duels.ended(duel)
  return { update = "active_duels", key = { id = duel.id }, set = { status = "ended", ended_at = respawn.at_write_time },
    expect = { status = duel.status, last_move_at = duel.last_move_at } }
end

return duels
