// Whole tables as they were in a snapshot, beside the live ones, and what brings them back row by row:
// of use where other tables refer to them, so that they cannot change places with another copy.
#pragma once

#include "component/snapshot_table.h"
#include "run/game.h"
#include "run/primitive.h"

namespace respawn::run {

// The most rows of all tables that one effect brings back: each stands in the journal and in the marker
// of the database, before and after, and is locked while all are written.
inline constexpr std::size_t most_rows_of_tables = 2'000;

// A row that is not as it was. `then` is the snapshot's, `now` the live one; empty: it is not there.
struct RowToRestore {
    Value::Map key, then, now;
};

struct TableToRestore {
    component::TableShape shape;
    std::vector<RowToRestore> rows;
    bool referenced = false; // by one of the tables, itself included
    std::uint64_t count(bool was, bool is) const;
};

struct TablesToRestore {
    std::string snapshot; // id
    Moment taken;
    std::vector<TableToRestore> tables; // each behind those that it refers to, as far as that goes
};

// Compares each table whole, then looks at what differs through the call's reader. Kind::usage when
// more rows differ than one effect takes; when rows would go that a table not named refers to, and
// would be changed with them by the foreign key.
Result<TablesToRestore> find_tables(const Call& call, std::string_view component,
                                    const std::vector<std::string>& tables, std::string_view snapshot);

// Makes all rows those of the snapshot; each only if it still is as it was seen. In an order that
// foreign keys allow.
std::vector<database::Change> changes_of(const TablesToRestore& restore);

// The names in a primitive's list of tables, each once. Kind::script for what is no name.
Result<std::vector<std::string>> named_tables(const Value::List& list);

} // namespace respawn::run
