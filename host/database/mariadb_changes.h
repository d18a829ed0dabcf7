// Structured writes on MariaDB and MySQL. Rows that foreign keys change with what is asked are seen
// before; what triggers do is found by comparing the tables that they name.
#pragma once

#include "database/mariadb_connection.h"
#include "database/server_changes.h"

#include <set>

namespace respawn::database {

class MariadbChanges final : public ServerChanges {
  public:
    MariadbChanges(MariadbConnection& connection, Moment moment)
        : ServerChanges(connection, moment), connection_(connection) {}

    Result<Value> fit(const Table& table, const std::string& column, const Value& value) override;
    Result<void> run(const Table& table, const std::string& sql,
                     const std::vector<Value>& parameters) override;

  protected:
    Result<ServerTable> read_table(const std::string& name) override;
    Result<Value::Map> insert_row(const ServerTable& table, const std::string& sql,
                                  const std::vector<Value>& parameters) override;
    Result<void> prepare(const Write& write) override;
    Result<void> expect_effects(const ServerTable& table, const Value::Map& row,
                                const Value::Map* set) override;
    std::string_view clock_query() const override {
        return "select date_format(utc_timestamp(), '%Y-%m-%dT%H:%i:%sZ')";
    }
    Result<void> find_unasked() override;

  private:
    // A foreign key of another table that changes with this one's rows.
    struct Child {
        std::string table;
        std::string on_update, on_delete;
        std::vector<std::string> columns, parent_columns;
    };
    // A table that a trigger names, as it was.
    struct Watched {
        const ServerTable* table = nullptr;
        bool whole = false;                     // every row is known; else only those above `highest`
        std::map<std::string, Value::Map> rows; // by their keys, encoded
        Value highest;
    };
    struct Trigger {
        std::string table, event;
        std::set<std::string> names; // in its body, in lower case
    };

    Result<void> read_children();
    Result<void> read_triggers();
    Result<std::set<std::string>> reached_by_triggers(const Write& write);
    Result<void> reach_rows(const Child& child, const Value::Map& row, const Value::Map* set);
    Result<void> watch(const std::string& name);
    Result<void> compare(const Watched& watched);
    Result<std::map<std::string, Value::Map>>
    rows_of(const ServerTable& table, std::string_view condition, const std::vector<Value>& parameters);

    MariadbConnection& connection_;
    std::optional<std::map<std::string, std::vector<Child>>> children_;
    std::optional<std::vector<Trigger>> triggers_;
    std::map<std::string, std::set<std::string>> routines_; // names in their bodies
    std::vector<std::string> all_tables_;
    std::vector<Watched> watched_;
};

} // namespace respawn::database
