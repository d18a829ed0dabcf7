// A database of the game: text SQL only ever reads; writes are structured, many rows in one transaction
// with the run's marker beside them, so that what a run did is known from the database itself whatever
// crashes. tests/contract/database_*.cpp run over every driver. Not thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"
#include "config/config.h"
#include "io/file.h"
#include "io/stream.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace respawn::database {

struct Rows {
    std::vector<std::string> columns;
    std::vector<std::vector<Value>> rows;
};

// The most that one read may give back; more is Kind::usage with the advice to ask for less.
inline constexpr std::size_t most_result_bytes = 4 << 20;

struct Reader {
    virtual ~Reader() = default;
    // One statement that only reads (SELECT, WITH, VALUES, EXPLAIN, on servers SHOW); anything else is
    // Kind::denied. Parameters are values for '?' in order. Numbers that fit no Value (DECIMAL, whole
    // ones past 63 bits) and times are the engine's text; servers tell times in UTC.
    virtual Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) = 0;
    // The rows of a table in which these columns have these values, at most `most` of them.
    // Kind::missing for a table that is not there.
    virtual Result<std::vector<Value::Map>> rows_with(const std::string& table,
                                                      const Value::Map& values, std::size_t most) = 0;
};

enum class ChangeKind { insert, update, remove };

// One row to change. Values may hold the symbol "now": the moment of the write, in the column's own
// form.
struct Change {
    ChangeKind kind = ChangeKind::update;
    std::string table;
    Value::Map key;    // update, remove: columns that name exactly one row
    Value::Map set;    // insert, update: new values
    Value::Map add;    // update: whole numbers added to columns; overflow is refused
    Value::Map expect; // update, remove: what must stand there, else Kind::moved
    // Money moves carry one: it happens once, ever. Empty for other changes.
    std::string business_key;
};

struct Write {
    std::vector<Change> changes;
    std::string why;
    // What the symbol "now" becomes; the clock's moment when left out.
    std::optional<Moment> moment = std::nullopt;
};

// Who writes: stands in the database beside the change, in the same transaction.
struct Marker {
    std::string run;
    std::int64_t step = 0;
    std::string target;     // what the run holds the lease of: a path that ends in '/', "/" is all
    std::int64_t token = 0; // its fencing token: a write with a lower one than was seen is Kind::leased
};

// A row as it was and as it is, in the columns that can be written: what is generated from them is left
// out. `before` is empty for an insert, `after` for a removal.
struct RowChange {
    std::string table;
    Value::Map key;
    Value::Map before, after;
    bool asked = true; // false: a trigger or a cascade did it
    // Columns that the server filled by itself, with a number or its clock: another time it is another
    // value.
    std::vector<std::string> made;
    bool operator==(const RowChange&) const = default;
};

struct Written;
// Looks at what a write changed before it is committed; an Error takes it back.
using Approval = std::function<Result<void>(const Written&)>;

struct Written {
    std::vector<RowChange> rows;
    std::int64_t marker = 0; // its number in this database; rises
};

// What the database remembers of respawn. A restored database has the same incarnation and a lower
// number.
struct MarkerState {
    std::string incarnation; // empty while respawn has not written here
    std::int64_t highest = 0;
};

// What is missing for respawn's work, and what to do about it.
struct Lack {
    std::string why, fix;
};

// Writes that are never kept. Reads see the writes made so far.
struct Trial : Reader {
    virtual Result<Written> write(const Write& write) = 0;
    virtual std::string place() const = 0; // where: "in a transaction that was taken back"
};

struct Database : Reader {
    // Applies all changes and the marker in one transaction, or nothing. Kind::moved: an expected value
    // is not there. Kind::conflict: a business key was used before, or a constraint of the game
    // refuses. Kind::unavailable: nothing was changed. Kind::unknown: the server went away in the
    // commit and could not be asked since; find_written() will tell.
    virtual Result<Written> write(const Write& write, const Marker& marker,
                                  const Approval& approve) = 0;
    // Did this step of this run commit here? For settling an open intent.
    virtual Result<std::optional<Written>> find_written(std::string_view run, std::int64_t step) = 0;
    virtual Result<MarkerState> marker_state() = 0;
    // `scratch` is an existing folder that outlives the trial, for what it writes.
    virtual Result<std::unique_ptr<Trial>> begin_trial(const io::Path& scratch) = 0;
    // The database as SQL text that its own client loads; of these tables, or all. One consistent
    // moment.
    virtual Result<std::unique_ptr<io::Source>> dump(const std::vector<std::string>& tables) = 0;
    // Proves the logins; an Error when one does not get in. Changes nothing.
    virtual Result<std::vector<Lack>> find_lacks() { return std::vector<Lack>(); }
};

// The list of drivers (databases.cpp): by the component's kind. Kind::usage for a component that is no
// database.
bool is_database(const config::ComponentSettings& settings);
Result<std::unique_ptr<Database>> open_database(const config::ComponentSettings& settings);
// A trial on a database file that is a private copy already (a restored backup).
Result<std::unique_ptr<Trial>> open_private_copy(const config::ComponentSettings& settings,
                                                 const io::Path& copy);

Value to_value(const Written& written);
Result<Written> written_from(const Value& value);

} // namespace respawn::database
