// One connection to a PostgreSQL server and its statements, by the extended protocol: one statement at
// a time, rows as they come.
#pragma once

#include "database/server_database.h"

struct pg_conn;
struct pg_result;

namespace respawn::database {

class PostgresConnection final : public ServerSession {
  public:
    static Result<std::unique_ptr<PostgresConnection>> open(const Login& login, Access access,
                                                            const Patience& patience);
    ~PostgresConnection() override;

    Result<void> query(std::string_view sql, const std::vector<Value>& parameters,
                       const RowSink& sink) override;
    std::int64_t changed_rows() const override { return changed_rows_; }
    std::string quoted(std::string_view name) const override;
    Result<bool> has_table(std::string_view name) override;

    bool is_open() const override { return handle_ != nullptr; }
    bool may_try_again() const override { return may_try_again_; }
    bool would_write() const override { return would_write_; }

    Result<void> begin();
    // What the transaction sees from here on is fixed, and others may look at it.
    Result<void> export_snapshot();
    // Another connection that sees what this one's transaction saw first, without its own changes.
    Result<std::unique_ptr<PostgresConnection>> as_it_was() const;

  private:
    explicit PostgresConnection(Login login) : login_(std::move(login)) {}
    Result<void> connect(Access access, const Patience& patience);
    Result<void> take_rows(const RowSink& sink);
    Result<void> take_row(pg_result* result, const RowSink& sink);
    Error last_error(const pg_result* result);
    void stop(); // what is under way
    void close();

    Login login_;
    Patience patience_;
    pg_conn* handle_ = nullptr;
    std::int64_t changed_rows_ = 0;
    bool may_try_again_ = false, would_write_ = false;
    std::string snapshot_;
};

} // namespace respawn::database
