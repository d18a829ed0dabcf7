// One connection to a MariaDB or MySQL server and its statements, by the binary protocol: one statement
// at a time, files of this machine never read for the server.
#pragma once

#include "base/time.h"
#include "database/server_login.h"
#include "database/session.h"

#include <memory>

struct st_mysql;
struct st_mysql_stmt;

namespace respawn::database {

// How long it may take; the server is told too.
struct Patience {
    Duration connecting = std::chrono::seconds(10);
    Duration statement = std::chrono::seconds(30);
    Duration lock = std::chrono::seconds(5);
};

class MariadbConnection final : public Session {
  public:
    enum class Access { read_only, read_write };
    // Kind::unavailable, Kind::denied, Kind::missing (no such database).
    static Result<std::unique_ptr<MariadbConnection>> open(const Login& login, Access access,
                                                           const Patience& patience);
    ~MariadbConnection() override;

    Result<void> query(std::string_view sql, const std::vector<Value>& parameters,
                       const RowSink& sink) override;
    std::int64_t changed_rows() const override { return changed_rows_; }
    std::string quoted(std::string_view name) const override;
    Result<bool> has_table(std::string_view name) override;
    std::string_view no_values() const override { return " () values ()"; }

    // False once the server has gone, or an answer was left half read: what was open there is rolled
    // back.
    bool is_open() const { return handle_ != nullptr; }
    // The last error was a deadlock or a wait for a lock: the same again may go well.
    bool may_try_again() const { return may_try_again_; }
    // The last statement cut or replaced a value, by the server's own words; else empty.
    Result<std::string> cut_value();
    bool is_mariadb() const { return is_mariadb_; }
    const Login& login() const { return login_; }

  private:
    explicit MariadbConnection(Login login) : login_(std::move(login)) {}
    Result<void> connect(Access access, const Patience& patience);
    Result<void> execute(st_mysql_stmt* statement, std::string_view sql,
                         const std::vector<Value>& parameters);
    Result<void> fetch(st_mysql_stmt* statement, const RowSink& sink);
    Error statement_error(st_mysql_stmt* statement);
    Error last_error(unsigned code, const char* text);
    void close();

    Login login_;
    st_mysql* handle_ = nullptr;
    std::int64_t changed_rows_ = 0;
    unsigned warnings_ = 0;
    bool may_try_again_ = false;
    bool is_mariadb_ = true;
};

} // namespace respawn::database
