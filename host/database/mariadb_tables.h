// A connection to MariaDB or MySQL that moves whole tables: rows come and go as the bytes that the
// server keeps, whatever the character sets, so that what is put back is what was there. Not
// thread-safe.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "database/server_login.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct st_mysql;

namespace respawn::database {

// The writing login of a mariadb component.
Result<Login> mariadb_login(const config::ComponentSettings& settings);
// That and the reading one, those of them that can be read.
std::vector<Login> mariadb_logins(const config::ComponentSettings& settings);

class MariadbTables {
  public:
    using Cell = std::optional<std::string_view>; // none: NULL
    using Texts = std::vector<std::optional<std::string>>;

    // Without a limit on how long a statement takes; `cancel` must outlive it and ends any of them.
    // The login's database is the one in use, or none when it is empty.
    static Result<std::unique_ptr<MariadbTables>> open(const Login& login, const Cancellation& cancel);
    MariadbTables(const MariadbTables&) = delete;
    MariadbTables& operator=(const MariadbTables&) = delete;
    ~MariadbTables();

    bool is_mariadb() const; // else MySQL
    std::string version() const;
    bool is_open() const { return handle_ != nullptr; }
    unsigned last_code() const { return last_code_; } // the server's number of the last error, or 0
    const Login& login() const { return login_; }

    Result<void> run(std::string_view sql);
    // A small answer, in UTF-8.
    Result<std::vector<Texts>> rows(std::string_view sql);
    // The first column of the first row, or nothing.
    Result<std::optional<std::string>> value(std::string_view sql);
    // Row after row, as bytes; views hold during the call. An Error of the sink ends the statement, and
    // the connection with it.
    using TakeCells = std::function<Result<void>(std::span<const Cell>)>;
    Result<void> scan(std::string_view sql, const TakeCells& take);
    // An INSERT with a '?' for each cell, for all the rows that `next` gives until it has none; views
    // hold until it is called again. Each few MB are committed. Returns how many rows were taken.
    using GiveCells = std::function<Result<std::optional<std::span<const Cell>>>()>;
    Result<std::uint64_t> insert(std::string_view sql, const GiveCells& next);

    static std::string quoted(std::string_view name);  // `name`
    static std::string literal(std::string_view text); // a text in SQL, in any sql_mode

  private:
    MariadbTables(Login login, const Cancellation& cancel)
        : login_(std::move(login)), cancel_(cancel) {}
    Result<void> send(std::string_view sql);
    Result<void> set_up();
    Error last_error();
    Error error_of(unsigned code, const char* message);
    void close();

    Login login_;
    const Cancellation& cancel_;
    st_mysql* handle_ = nullptr;
    bool is_mariadb_ = true, bytes_ = false;
    unsigned last_code_ = 0;
};

} // namespace respawn::database
