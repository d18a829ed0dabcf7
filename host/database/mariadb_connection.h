// One connection to a MariaDB or MySQL server and its statements, by the binary protocol: one statement
// at a time, files of this machine never read for the server.
#pragma once

#include "base/time.h"
#include "database/server_database.h"

#include <map>
#include <memory>

struct st_mysql;
struct st_mysql_stmt;

namespace respawn::database {

class MariadbConnection final : public ServerSession {
  public:
    static Result<std::unique_ptr<MariadbConnection>> open(const Login& login, Access access,
                                                           const Patience& patience);
    ~MariadbConnection() override;

    Result<void> query(std::string_view sql, const std::vector<Value>& parameters,
                       const RowSink& sink) override;
    std::int64_t changed_rows() const override { return changed_rows_; }
    std::string quoted(std::string_view name) const override;
    Result<bool> has_table(std::string_view name) override;
    Result<std::string> whole_row(std::string_view table) override;
    std::string_view no_values() const override { return " () values ()"; }

    bool is_open() const override { return handle_ != nullptr; }
    bool may_try_again() const override { return may_try_again_; }
    bool would_write() const override { return would_write_; }
    // The last statement cut or replaced a value, by the server's own words; else empty.
    Result<std::string> cut_value();
    bool is_mariadb() const { return is_mariadb_; }

  private:
    explicit MariadbConnection(Login login) : login_(std::move(login)) {}
    Result<void> connect(Access access, const Patience& patience);
    Result<void> execute(st_mysql_stmt* statement, std::string_view sql,
                         const std::vector<Value>& parameters);
    Result<void> fetch(st_mysql_stmt* statement, const RowSink& sink);
    Error statement_error(st_mysql_stmt* statement);
    Error last_error(unsigned code, const char* text);
    void close();

    struct WholeRow {
        std::string list;
        Moment asked;
    };

    Login login_;
    std::map<std::string, WholeRow, std::less<>> whole_rows_; // by table, for a moment
    st_mysql* handle_ = nullptr;
    std::int64_t changed_rows_ = 0;
    unsigned warnings_ = 0;
    bool may_try_again_ = false, would_write_ = false;
    bool is_mariadb_ = true;
};

} // namespace respawn::database
