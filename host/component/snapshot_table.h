// A table as it was in a snapshot, read where it lies: what single rows are brought back from, and what
// comparing and looking back work on, whatever engine the snapshot is of. Not thread-safe.
#pragma once

#include "base/cancel.h"
#include "base/value.h"
#include "database/database.h"
#include "vault/vault.h"

#include <functional>
#include <memory>

namespace respawn::component {

// What a column's cells are, as far as the engine promises it: how SQL over them compares and computes.
enum class Holds {
    anything,
    whole, // numbers of at most 63 bits
    real,  // floating point
    exact, // decimal numbers (DECIMAL, NUMERIC): their texts
    large, // whole numbers past 63 bits (unsigned 64-bit): texts where they fit no Value
    text,
    bytes,
};

struct TableShape {
    std::string name;
    std::vector<std::string> columns; // that rows can be written with, in the table's order
    std::vector<std::string> key;     // of the primary key, in its order; empty when there is none
    // Of the key: those that the table does not keep in the order of their bytes, so that asking for
    // that order means sorting.
    std::vector<std::string> collated = {};
    // Of the key: those by which rows come in another order than that of compare_values(), but all with
    // the same value together.
    std::vector<std::string> own_order = {};
    // Further keys that name one row each, which find() finds without reading the table.
    std::vector<std::vector<std::string>> unique = {};
    std::map<std::string, Holds> holds = {}; // by column; what is not in it holds anything
};

// Rows that come one after the other. The table must outlive it.
class RowStream {
  public:
    virtual ~RowStream() = default;
    virtual Result<std::vector<Value::Map>> next() = 0; // some of them; none at the end
    // Rows may come without the others from here on. Of use where that is less work.
    virtual void take_only(const std::vector<std::string>& columns) { (void)columns; }
};

// What differs between two tables, in the order of their keys. An empty map: the row is not there.
using TakeRowChange = std::function<Result<void>(const Value::Map& before, const Value::Map& after)>;

class SnapshotTable {
  public:
    virtual ~SnapshotTable() = default;
    virtual const TableShape& shape() const = 0;
    // The rows in which these columns have these values (Kind::usage for one that is none); a text
    // finds the number that it spells where the column holds numbers. At most two: a key names one row,
    // and more than one is an ambiguity.
    virtual Result<std::vector<Value::Map>> find(const Value::Map& key) = 0;
    // The next rows behind this key, or the first for an empty one; in the order of compare_keys().
    // Kind::unsupported for a table whose rows have no order of their own.
    virtual Result<std::vector<Value::Map>> rows_behind(const Value::Map& key, std::size_t most) = 0;
    // All rows in that order, from the first one whose leading columns of the key are not below these
    // values on: start may have only the first few, or none. A table without order gives all its rows,
    // and takes no start. As it is here, the rows before are read and left out.
    virtual Result<std::unique_ptr<RowStream>> rows_from(const Value::Map& start);
    // For compare_tables(): tells what differs from a later one, where the engine knows a way that does
    // not read all rows of both or their order is its own; false where it does not.
    virtual Result<bool> compare_to(SnapshotTable& after, const TakeRowChange& take);
};

// The vault must outlive it. Kind::missing for a table that is not there, with the nearest name;
// Kind::usage for a component that holds no tables, Kind::unsupported for a view or virtual table.
Result<std::unique_ptr<SnapshotTable>>
open_table(vault::Vault& from, const vault::ComponentRecord& record, std::string_view name);

// The tables of a backup, by name. Kind::usage for a component that holds none.
Result<std::vector<TableShape>> list_tables(vault::Vault& from, const vault::ComponentRecord& record);
// The names of the tables that a live database has.
Result<std::vector<std::string>> live_tables(const config::ComponentSettings& settings,
                                             database::Reader& reader);
// A foreign key between two tables of a live database. It acts when it removes or changes rows of
// `table` by itself, as those go that they refer to.
struct Reference {
    std::string table, to;
    bool acts = false;
};
Result<std::vector<Reference>> live_references(const config::ComponentSettings& settings,
                                               database::Reader& reader);
// True for a kind of component that holds tables.
bool holds_tables(std::string_view kind);

// The live table beside one of a backup: SQLite's is read as it is when each row is reached. The reader
// and `cancel` must outlive it.
Result<std::unique_ptr<SnapshotTable>> live_table(const config::ComponentSettings& settings,
                                                  const TableShape& shape, database::Reader& reader,
                                                  const Cancellation& cancel);
// Kind::usage for a name that is no column's.
Result<void> must_be_columns(const TableShape& shape, const Value::Map& values);

// Below 0, 0, above 0: null before numbers by their size, before text and then blobs by their bytes.
int compare_values(const Value& a, const Value& b);
int compare_keys(const std::vector<std::string>& key, const Value::Map& a, const Value::Map& b);

// What differs between two tables. Kind::unsupported when their primary keys differ. Memory does not
// grow with the tables.
Result<void> compare_tables(SnapshotTable& before, SnapshotTable& after, const TakeRowChange& take);

} // namespace respawn::component
