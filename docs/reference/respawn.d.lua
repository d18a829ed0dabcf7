---@meta respawn
-- Made from the definitions in bindings/primitives; do not edit.

---@class respawn
---@field at_write_time any stands for the moment of a write, in its values
local respawn = {}

--- Writes a line into the run's timeline; print does the same.
---@param text string
function respawn.log(text) end

--- Goes on only when a condition holds; else the run ends as not needed, and nothing was changed.
---@param holds boolean the condition
---@param text string what is so when it does not hold; further arguments fill it in as string.format does
---@return any # nothing
function respawn.require(holds, text, ...) end

--- One yes-or-no question of verify; when the answer is no, the run fails (exit 4).
---@param text string what should be so, as a sentence
---@param holds boolean whether it is
---@return any # true
function respawn.check(text, holds) end

--- Ends the run as failed (exit 4): the facts are such that this runbook must not go on.
---@param text string why; further arguments fill it in as string.format does
---@return any # never
function respawn.fail(text, ...) end

---@class respawn.ask.arguments
---@field text string the question, with the facts it takes to answer it
---@field choices table the answers there are: 2 to 20 different texts

--- Lets a person choose. Without one the run waits (exit 5) for `respawn answer`.
---@param arguments respawn.ask.arguments
---@return any # the chosen text
function respawn.ask(arguments) end

--- Stops the run for a person (exit 5): what is known does not prove what to do.
---@param text string the facts; further arguments fill it in as string.format does
---@return any # never
function respawn.wait_for_person(text, ...) end

--- The host's clock. A value to compute with; to write the moment of a write itself, use respawn.at_write_time.
---@return any # seconds since 1970, UTC, as an integer
function respawn.now() end

---@class respawn.sql.arguments
---@field query string the statement, with ? for values
---@field with? table the values for each ?
---@field component? string which database; may be left out when there is only one

--- Reads rows with one statement that can only read (SELECT, WITH, VALUES).
---@param arguments respawn.sql.arguments
---@return any # a list of rows, each a table from column to value; NULL is nil
function respawn.sql(arguments) end

---@class respawn.write.arguments
---@field changes table a list (lists in it are flattened) of { update = TABLE, key = {…}, set = {…}, add = {…}, expect = {…}, once = KEY }, { insert = TABLE, set = {…}, once = KEY } and { delete = TABLE, key = {…}, expect = {…} }. `expect` are the old values that must stand there; `add` adds whole numbers; `once` is a business key: it happens once, ever
---@field why string a short sentence for the journal and the marker
---@field component? string which database; may be left out when there is only one

--- Changes rows of one database, all in one transaction, with the run's marker beside them: after any crash it is known whether it happened.
---@param arguments respawn.write.arguments
---@return any # { rows = how many rows changed, triggers and cascades included }
function respawn.write(arguments) end

---@class respawn.backup.arguments
---@field component? string which; may be left out when there is only one database
---@field note? string what it is for, as `respawn list` shows it

--- Takes a snapshot of a component as it is now, into the vault.
---@param arguments respawn.backup.arguments
---@return any # a snapshot: { id, time, stored_bytes }
function respawn.backup(arguments) end

---@class respawn.snapshot.arguments
---@field name? string an id, a prefix of one, "latest", "latest:PLAN" or "@TIME"
---@field component? string what it must hold; may be left out when there is only one database

--- Looks a snapshot up in the vault.
---@param arguments respawn.snapshot.arguments
---@return any # { id, time, taken_at = seconds since 1970, plan, bytes, tables = { NAME = { rows } } }
function respawn.snapshot(arguments) end

---@class respawn.faults.arguments
---@field component? string which; may be left out when there is only one database

--- Looks whether a component's live data is sound (a database: its integrity check), without changing it.
---@param arguments respawn.faults.arguments
---@return any # a list of sentences, one per fault; empty when it is sound
function respawn.faults(arguments) end

---@class respawn.restore.arguments
---@field snapshot any an id, or what respawn.snapshot or respawn.backup gave
---@field component? string which; may be left out when there is only one database
---@field allow_violations? string why rows that break rules of the configuration may come back; without it they stop the restore

--- Puts a component back from a snapshot: restored to a new place, verified, then switched in. What was live is kept aside.
---@param arguments respawn.restore.arguments
---@return any # { bytes, snapshot }
function respawn.restore(arguments) end

---@class respawn.compare_rows.arguments
---@field table string its name
---@field keys string which rows, a line each: COLUMN=VALUE, several with a comma between them, or a JSON object
---@field snapshot? string an id, a prefix of one, "latest", "latest:PLAN" or "@TIME"
---@field component? string which database; may be left out when there is only one

--- Looks at single rows of a table in a snapshot, where it lies in the vault, and at the live ones.
---@param arguments respawn.compare_rows.arguments
---@return any # { id, time, rows = { { row = "players[42]", state = "same", "differs", "gone" (not live any more) or "unclear", problem } }, differ = how many are not as they were, unclear = how many cannot be told }
function respawn.compare_rows(arguments) end

---@class respawn.restore_rows.arguments
---@field table string its name
---@field keys string which rows, as for respawn.compare_rows
---@field snapshot string its id
---@field why string a short sentence for the journal and the marker
---@field component? string which database; may be left out when there is only one

--- Brings single rows of a table back as they were in a snapshot, all in one transaction. Rows that are not in the snapshot are left alone, like columns that the table has got since.
---@param arguments respawn.restore_rows.arguments
---@return any # { rows = how many rows changed, triggers and cascades included }
function respawn.restore_rows(arguments) end

---@class respawn.compare_tables.arguments
---@field tables table their names
---@field snapshot? string an id, a prefix of one, "latest", "latest:PLAN" or "@TIME"
---@field component? string which database; may be left out when there is only one

--- Compares whole tables of a snapshot, where they lie in the vault, with the live ones, row by row. More rows than respawn.restore_tables brings back at once are an error.
---@param arguments respawn.compare_tables.arguments
---@return any # { id, time, tables = { { table, added = how many rows there are since, removed = are gone since, changed = are other ones } }, differ = how many rows in all }
function respawn.compare_tables(arguments) end

---@class respawn.restore_tables.arguments
---@field tables table their names; those that refer to each other together
---@field snapshot string its id
---@field why string a short sentence for the journal and the marker
---@field component? string which database; may be left out when there is only one

--- Makes all rows of tables those of a snapshot, in one transaction: rows that are gone come back, changed ones become what they were, and rows that were added since are removed. Columns that a table has got since are left alone.
---@param arguments respawn.restore_tables.arguments
---@return any # { rows = how many rows changed, triggers and cascades included }
function respawn.restore_tables(arguments) end

---@class respawn.changes_of_run.arguments
---@field run string its id, or the beginning of it

--- Looks at the rows that a run changed by its own words, and whether they are still as it left them.
---@param arguments respawn.changes_of_run.arguments
---@return any # a list of databases: { component, run = its whole id, runbook, rows = { { row = "players[42]", state = "ready", "undone" (is as it was before) or "moved", problem } }, ready = how many, moved = how many }
function respawn.changes_of_run(arguments) end

---@class respawn.undo_rows.arguments
---@field run string its id
---@field why string a short sentence for the journal and the marker
---@field component? string which database; may be left out when there is only one

--- Takes back what a run changed in one database, in one transaction: rows that are still as it left them become what they were before it. Rows that have moved since are left alone.
---@param arguments respawn.undo_rows.arguments
---@return any # { rows = how many rows changed, triggers and cascades included }
function respawn.undo_rows(arguments) end

---@class respawn.dump.arguments
---@field tables? table only these; all when empty
---@field component? string which database; may be left out when there is only one

--- A database as SQL text that its own client loads, as a stream: nothing is read before something takes it in.
---@param arguments respawn.dump.arguments
---@return any # a stream
function respawn.dump(arguments) end

--- A stream, compressed with zstd; what it gives ends in .zst and is read by `zstd -d`.
---@param stream table what respawn.dump, respawn.compress or respawn.encrypt gave
---@return any # a stream
function respawn.compress(stream) end

--- A stream, encrypted under a key of the vault's; `respawn decrypt` reads it.
---@param stream table what respawn.dump, respawn.compress or respawn.encrypt gave
---@return any # a stream
function respawn.encrypt(stream) end

---@class respawn.upload.arguments
---@field stream table what respawn.dump, respawn.compress or respawn.encrypt gave
---@field name string the file's name
---@field to? string a location of the configuration; the first when left out

--- Stores a stream as a plain file at a location, under exports/. A name that is taken is never overwritten.
---@param arguments respawn.upload.arguments
---@return any # { name, location }
function respawn.upload(arguments) end

---@class respawn.chain_address.arguments
---@field name string a name under `addresses:` of the chain
---@field chain? string a chain of the configuration

--- An address that the configuration names: the game's hot wallet, its token.
---@param arguments respawn.chain_address.arguments
---@return any # the address as text
function respawn.chain_address(arguments) end

---@class respawn.chain_transaction.arguments
---@field hash string 0x and 64 hex digits
---@field chain? string a chain of the configuration

--- What the chain knows of a transaction. Every endpoint is asked; where they differ the run waits for a person.
---@param arguments respawn.chain_transaction.arguments
---@return any # { state = "not_found", "pending" or "mined"; from, to, nonce; when mined: block, depth, succeeded, deep_enough }. "not_found" proves nothing: it may still come
function respawn.chain_transaction(arguments) end

---@class respawn.chain_nonce.arguments
---@field address string the sender
---@field chain? string a chain of the configuration

--- How many transactions of an address stand in blocks that are deep enough: every nonce below it is spent.
---@param arguments respawn.chain_nonce.arguments
---@return any # an integer
function respawn.chain_nonce(arguments) end

---@class respawn.chain_transfers.arguments
---@field token string the token's contract, or its name under `addresses:`
---@field to string who received
---@field since integer seconds since 1970
---@field from? string who sent; anybody when left out
---@field chain? string a chain of the configuration

--- The transfers of a token to an address since a moment, from the chain's logs. Transfers of the chain's own coin leave no log and are not seen.
---@param arguments respawn.chain_transfers.arguments
---@return any # a list of { hash, block, from, to, amount }; amount is a decimal text in the token's smallest unit
function respawn.chain_transfers(arguments) end

---@class respawn.service.arguments
---@field action string start, stop or restart
---@field name? string a unit of `services:`, or all
---@field stays_down? boolean with stop: it is not started again when the run fails

--- Starts, stops or restarts a service of the game. It starts after what it needs, and stops after what needs it; started means healthy, stopped means gone. When the run fails, what it stopped is started again.
---@param arguments respawn.service.arguments
---@return any # { units }, the names of those that were started or stopped
function respawn.service(arguments) end

---@class respawn.service_status.arguments
---@field name? string a unit of `services:`, or all

--- How a service of the game stands, or all of them in the order in which they start.
---@param arguments respawn.service_status.arguments
---@return any # { name, state, running, healthy, illness, since, pid, restarts, exit_code, why, core, needs, needed_by }, or a list of such; state is running, stopped, starting, stopping, failed, flapping or unknown
function respawn.service_status(arguments) end

---@class respawn.notify.arguments
---@field text string the message
---@field to? table whom it is for: names of players or people
---@field channel? string a channel of `alerts:`; the first when left out
---@field title? string a headline
---@field severity? string info, warning or critical

--- Sends a message to people. It carries the step's id, so that a receiver can drop a second copy.
---@param arguments respawn.notify.arguments
---@return any # nothing
function respawn.notify(arguments) end

return respawn
