// Structured changes, checked and put into SQL: what every driver does the same way. How an engine
// describes its tables and tells what a change did is the driver's (ChangeTarget).
#pragma once

#include "database/database.h"
#include "database/session.h"

#include <map>

namespace respawn::database {

// A table as the changes need it.
struct Table {
    std::string name;
    std::vector<std::string> columns;        // all that can be read
    std::vector<std::string> stored_columns; // those with bytes in the row, in the row's order
    std::vector<std::string> key_columns;    // the primary key; empty: there is none
    std::map<std::string, std::string> types;
    bool is_view = false;
};

struct ChangeTarget {
    virtual ~ChangeTarget() = default;
    virtual Session& session() = 0;
    // Names are taken exactly as they stand in the schema, so that one table has one name in plans, and
    // respawn's own cannot be named by another spelling. Kind::missing has the nearest name.
    virtual Result<const Table*> find(const std::string& name) = 0;
    // The value as the column takes it: the symbol "now" becomes a moment.
    virtual Result<Value> fit(const Table& table, const std::string& column, const Value& value) = 0;
    // What a reading statement ends with so that its row stays as it is.
    virtual std::string_view lock() const { return {}; }
    // Before an update or removal of this row; `set` has the new values.
    virtual Result<void> will_change(const Table& table, const Change& change, const Value::Map& row,
                                     const Value::Map& set);
    virtual Result<void> insert(const Table& table, const std::string& sql,
                                const std::vector<Value>& parameters);
    // One statement that must change its one row. A trigger or a conflict clause of the game can make
    // it do nothing without an error. Of a view nothing is known: its triggers act in its stead.
    virtual Result<void> run(const Table& table, const std::string& sql,
                             const std::vector<Value>& parameters);
};

// Applies all changes in their order, inside a transaction that the caller holds.
Result<void> apply_changes(ChangeTarget& target, const Write& write);
// The one row that a change names: Kind::moved when there is none, Kind::script when there are several.
Result<Value::Map> current_row(ChangeTarget& target, const Table& table, const Change& change);
// Every name in it is the table's, else Kind::script with the nearest.
Result<void> must_know(const Table& table, const Value::Map& values);

Error no_such_table(const std::string& name, const std::vector<std::string>& names);
Error unknown_symbol(const Table& table, const std::string& column, const Symbol& symbol);

// What a Reader's rows_with() gives, over one session.
Result<std::vector<Value::Map>> rows_with(Session& session, const std::string& table,
                                          const Value::Map& values, std::size_t most);
// " where a = ? and b is null", its values appended.
std::string where(const Session& session, const Value::Map& key, std::vector<Value>& parameters);
// "a, b, c"
std::string column_list(const Session& session, const std::vector<std::string>& columns);
// "players[17]"
std::string describe_row(const std::string& table, const Value::Map& key);

} // namespace respawn::database
