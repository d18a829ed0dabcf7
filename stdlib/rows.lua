-- Reading rows in a breath.
local respawn = require "respawn"
local rows = {}

-- All rows of a query.
function rows.all(query, ...) return respawn.sql { query = query, with = { ... } } end

-- The one row of a query, or nil. More than one is a mistake of the query.
function rows.one(query, ...)
  local found = rows.all(query, ...)
  assert(#found <= 1, "more than one row where one was expected")
  return found[1]
end

-- The single value of a query such as "select count(*) as n …", under its name.
function rows.value(name, query, ...)
  local row = rows.one(query, ...)
  return row and row[name]
end

return rows
