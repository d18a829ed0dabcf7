// Structured writes on PostgreSQL. Every row that the transaction changed bears its number, whoever
// asked; how it was before is read by another connection that sees the state before.
#pragma once

#include "database/postgres_connection.h"
#include "database/server_changes.h"

namespace respawn::database {

class PostgresChanges final : public ServerChanges {
  public:
    PostgresChanges(PostgresConnection& connection, Moment moment, History* history)
        : ServerChanges(connection, moment), connection_(connection), history_(history) {}

    Result<Written> apply(const Write& write) override;
    Result<Value> fit(const Table& table, const std::string& column, const Value& value) override;

  protected:
    Result<ServerTable> read_table(const std::string& name) override;
    Result<void> expect_effects(const ServerTable&, const Value::Map&, const Value::Map*) override {
        return {};
    }
    std::string_view clock_query() const override {
        return "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    }
    Result<void> find_unasked() override;

  private:
    struct Touched {
        std::string schema, table;
        std::int64_t inserted = 0, updated = 0, removed = 0;
    };
    Result<std::vector<Touched>> touched();
    Result<void> find_in(const Touched& touched, const std::string& transaction);
    Result<void> find_written(const ServerTable& table, const std::string& transaction);
    Result<void> find_removed(const ServerTable& table);
    // How a row was before this write; empty when it was not there.
    Result<Value::Map> before(const ServerTable& table, const Value::Map& key);
    Result<PostgresConnection*> earlier();
    Result<std::optional<Value::Map>> row_at(Session& session, const ServerTable& table,
                                             const Value::Map& key);

    PostgresConnection& connection_;
    History* history_;
    std::unique_ptr<PostgresConnection> earlier_;
};

} // namespace respawn::database
