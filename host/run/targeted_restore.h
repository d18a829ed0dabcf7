// Single rows of a table as they were in a snapshot, beside the live ones, and what brings them back.
#pragma once

#include "component/snapshot_table.h"
#include "run/game.h"
#include "run/primitive.h"

namespace respawn::run {

// One row that was asked for. `then` is the snapshot's, `now` the live one; empty: it is not there.
struct RowThenAndNow {
    enum class State { same, differs, gone, unclear };
    Value::Map asked;
    State state = State::unclear;
    std::string problem; // why it cannot be brought back; of an unclear one
    Value::Map key;      // what names the row in the live table
    Value::Map then, now;
};
std::string_view name_of(RowThenAndNow::State state); // "same", "differs", "gone", "unclear"

struct TargetedRestore {
    std::string snapshot; // id
    Moment taken;
    component::TableShape shape;
    std::vector<RowThenAndNow> rows; // in the order of the keys; one row that is asked for twice, once
};

// The keys of rows as a person writes them, a line each: "id=42", "match=7,slot=2" or a JSON object,
// which says everything ({"name": "a,b"}). Kind::usage with the line.
Result<std::vector<Value::Map>> read_keys(std::string_view text);

// Looks at each row in the snapshot that is named and, through the call's reader, in the live database.
Result<TargetedRestore> find_rows(const Call& call, std::string_view component, std::string_view table,
                                  const std::vector<Value::Map>& keys, std::string_view snapshot);

// Brings them back: each as it was, if it still is as it was seen. Rows that are unclear are left out.
std::vector<database::Change> changes_of(const TargetedRestore& restore);

// Whether a live row has what the snapshot's columns had.
bool same_values(const component::TableShape& shape, const Value::Map& then, const Value::Map& now);
// "players[42]", as the rows of a plan are named.
std::string row_name(std::string_view table, const Value::Map& key);

} // namespace respawn::run
