#include "database/mariadb_tables.h"

#include "database/mariadb_bulk.h"
#include "database/mariadb_connect.h"
#include "database/mariadb_errors.h"

#include <algorithm>
#include <mysql.h>
#include <sys/socket.h>

namespace respawn::database {

namespace {

// A server that says nothing for so long has gone.
constexpr Patience patience = { .statement = std::chrono::hours(1) };
constexpr std::size_t rows_between_looks = 1024; // at whether to go on

struct EndResult {
    void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Answer = std::unique_ptr<MYSQL_RES, EndResult>;

} // namespace

Result<std::unique_ptr<MariadbTables>> MariadbTables::open(const Login& login,
                                                           const Cancellation& cancel) {
    std::unique_ptr<MariadbTables> opened(new MariadbTables(login, cancel));
    opened->handle_ = TRY(connect_mariadb(login, patience, Use::whole_tables));
    opened->is_mariadb_ = database::is_mariadb(opened->handle_);
    TRY(opened->set_up());
    return opened;
}

MariadbTables::~MariadbTables() { close(); }

void MariadbTables::close() {
    if (handle_)
        mysql_close(handle_);
    handle_ = nullptr;
}

// What is stored is taken as it is: dates that are none, rows that break a rule, numbers that are
// given.
Result<void> MariadbTables::set_up() {
    TRY(run("set names utf8mb4"));
    TRY(run(
        "set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', "
        "time_zone = '+00:00', autocommit = 1, foreign_key_checks = 0, unique_checks = 0, "
        "net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800, "
        "lock_wait_timeout = 60, sql_quote_show_create = 1"));
    if (is_mariadb_)
        return run("set session max_statement_time = 0, idle_transaction_timeout = 0, "
                   "check_constraint_checks = 0");
    return run("set session max_execution_time = 0");
}

bool MariadbTables::is_mariadb() const { return is_mariadb_; }

std::string MariadbTables::version() const {
    const std::string told = handle_ ? mysql_get_server_info(handle_) : "";
    return (is_mariadb_ ? "MariaDB " : "MySQL ") + told.substr(0, told.find('-'));
}

Error MariadbTables::last_error() { return error_of(mysql_errno(handle_), mysql_error(handle_)); }

Error MariadbTables::error_of(unsigned code, const char* message) {
    last_code_ = code;
    auto error = mariadb_error(login_, is_mariadb_, last_code_, message);
    if (mariadb_problem(last_code_).has_gone)
        close();
    return error;
}

Result<void> MariadbTables::send(std::string_view sql) {
    TRY(cancel_.check());
    last_code_ = 0;
    if (!handle_) {
        last_code_ = 2006;
        return mariadb_error(login_, is_mariadb_, last_code_, "the connection is closed");
    }
    if (mysql_real_query(handle_, sql.data(), sql.size()) != 0)
        return last_error();
    return {};
}

Result<void> MariadbTables::run(std::string_view sql) {
    TRY(send(sql));
    const Answer answer(mysql_store_result(handle_)); // of a statement that has one
    return mysql_errno(handle_) == 0 ? Result<void>() : last_error();
}

Result<std::vector<MariadbTables::Texts>> MariadbTables::rows(std::string_view sql) {
    if (bytes_)
        TRY(run("set character_set_results = utf8mb4"));
    bytes_ = false;
    TRY(send(sql));
    const Answer answer(mysql_store_result(handle_));
    if (!answer)
        return mysql_errno(handle_) == 0 ? Result<std::vector<Texts>>(std::vector<Texts>())
                                         : last_error();
    std::vector<Texts> all;
    const auto count = mysql_num_fields(answer.get());
    while (auto* const row = mysql_fetch_row(answer.get())) {
        const auto* const sizes = mysql_fetch_lengths(answer.get());
        auto& texts = all.emplace_back(count);
        for (unsigned i = 0; i < count; ++i)
            if (row[i])
                texts[i].emplace(row[i], sizes[i]);
    }
    return all;
}

Result<std::optional<std::string>> MariadbTables::value(std::string_view sql) {
    auto all = TRY(rows(sql));
    return all.empty() || all[0].empty() ? std::optional<std::string>() : std::move(all[0][0]);
}

Result<void> MariadbTables::scan(std::string_view sql, const TakeCells& take) {
    if (!bytes_)
        TRY(run("set character_set_results = binary"));
    bytes_ = true;
    TRY(send(sql));
    Answer answer(mysql_use_result(handle_));
    if (!answer)
        return mysql_errno(handle_) == 0 ? Result<void>() : last_error();
    const auto count = mysql_num_fields(answer.get());
    std::vector<Cell> cells(count);
    for (std::size_t taken = 0;; ++taken) {
        auto* const row = mysql_fetch_row(answer.get());
        if (!row)
            break;
        const auto* const sizes = mysql_fetch_lengths(answer.get());
        for (unsigned i = 0; i < count; ++i)
            cells[i] = row[i] ? Cell(std::string_view(row[i], sizes[i])) : Cell();
        auto done = taken % rows_between_looks == 0 ? cancel_.check() : Result<void>();
        if (done.ok())
            done = take(cells);
        if (!done.ok()) {
            // What is left may be a whole table: the connection is not read to its end.
            ::shutdown(mysql_get_socket(handle_), SHUT_RDWR);
            answer.reset();
            close();
            return done;
        }
    }
    return mysql_errno(handle_) == 0 ? Result<void>() : last_error();
}

Result<std::uint64_t> MariadbTables::insert(std::string_view sql, const GiveCells& next) {
    if (!handle_)
        return send(sql).error();
    MariadbBulk bulk(handle_, is_mariadb_);
    const auto refused = [&] { return error_of(bulk.code(), bulk.message()); };
    if (!bulk.prepare(sql))
        return refused();
    for (std::size_t given = 0;; ++given) {
        if (given % rows_between_looks == 0)
            TRY(cancel_.check());
        const auto cells = TRY(next());
        if (!cells)
            break;
        if (!bulk.add(*cells))
            return refused();
    }
    return bulk.flush() ? Result<std::uint64_t>(bulk.taken()) : refused();
}

std::string MariadbTables::quoted(std::string_view name) {
    std::string quoted = "`";
    for (const char c : name)
        quoted += c == '`' ? "``" : std::string(1, c);
    return quoted + "`";
}

// As hexadecimal digits, which mean the same in every sql_mode and hold every byte.
std::string MariadbTables::literal(std::string_view text) {
    static constexpr auto digits = "0123456789abcdef";
    std::string literal = "_utf8mb4 x'";
    for (const char c : text) {
        literal += digits[static_cast<unsigned char>(c) >> 4];
        literal += digits[static_cast<unsigned char>(c) & 15];
    }
    return literal + "'";
}

} // namespace respawn::database
