// One connection to a database, whichever engine: what the drivers' shared parts ask of it. Not
// thread-safe.
#pragma once

#include "base/result.h"
#include "base/value.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::database {

// The columns of a row, in the order of the statement.
using RowSink =
    std::function<Result<void>(const std::vector<std::string>& columns, std::vector<Value> row)>;

class Session {
  public:
    virtual ~Session() = default;
    // One statement with values for '?'; each row goes to the sink, which may end it with an Error.
    virtual Result<void> query(std::string_view sql, const std::vector<Value>& parameters,
                               const RowSink& sink) = 0;
    virtual std::int64_t changed_rows() const = 0; // by the last statement, triggers not counted
    virtual std::string quoted(std::string_view name) const = 0;
    virtual Result<bool> has_table(std::string_view name) = 0;
    // What a SELECT from this table "as t" lists for whole rows: columns that "*" hides are named.
    // Empty when there is no such table.
    virtual Result<std::string> whole_row(std::string_view table);
    // What follows the table's name where a row of defaults is inserted.
    virtual std::string_view no_values() const { return " default values"; }

    // One statement with its parameters; rows are thrown away.
    Result<void> run(std::string_view sql, const std::vector<Value>& parameters = {});
    // All rows, as maps from column to value.
    Result<std::vector<Value::Map>> rows(std::string_view sql,
                                         const std::vector<Value>& parameters = {});
    // The first column of the first row, or null.
    Result<Value> value(std::string_view sql, const std::vector<Value>& parameters = {});

  protected:
    Session() = default;
    Session(const Session&) = default;
    Session& operator=(const Session&) = default;
};

} // namespace respawn::database
