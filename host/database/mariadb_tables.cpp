#include "database/mariadb_tables.h"

#include "database/mariadb_connect.h"
#include "database/mariadb_errors.h"

#include <algorithm>
#include <cstring>
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

// What the client library asks for rows: the name of the file that the server wants is not looked at.
struct Loading {
    const MariadbTables::GiveText& give;
    std::string text = {};
    std::size_t at = 0;
    std::optional<Error> error = {};
};

int begin_loading(void** own, const char*, void* loading) {
    *own = loading;
    return 0;
}

int go_on_loading(void* own, char* to, unsigned room) {
    auto& loading = *static_cast<Loading*>(own);
    if (loading.at == loading.text.size()) {
        loading.text.clear();
        loading.at = 0;
        auto given = loading.give(loading.text);
        if (!given.ok()) {
            loading.error = std::move(given).error();
            return -1;
        }
    }
    const auto size = std::min<std::size_t>(room, loading.text.size() - loading.at);
    std::memcpy(to, loading.text.data() + loading.at, size);
    loading.at += size;
    return static_cast<int>(size);
}

void end_loading(void*) {}

int say_loading(void*, char* text, unsigned room) {
    if (room > 0)
        text[0] = '\0';
    return 2000;
}

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

Error MariadbTables::last_error() {
    last_code_ = mysql_errno(handle_);
    auto error = mariadb_error(login_, is_mariadb_, last_code_, mysql_error(handle_));
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

Result<std::uint64_t> MariadbTables::load(std::string_view sql, const GiveText& give) {
    if (!handle_)
        return send(sql).error();
    const GiveText careful = [&](std::string& text) -> Result<void> {
        TRY(cancel_.check());
        return give(text);
    };
    Loading loading{ .give = careful };
    mysql_set_local_infile_handler(handle_, begin_loading, go_on_loading, end_loading, say_loading,
                                   &loading);
    auto sent = send(sql);
    if (handle_)
        mysql_set_local_infile_default(handle_);
    if (loading.error)
        return *loading.error;
    TRY(std::move(sent));
    return static_cast<std::uint64_t>(mysql_affected_rows(handle_));
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

void append_loadable(std::string& text, std::span<const MariadbTables::Cell> cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0)
            text += '\t';
        if (!cells[i]) {
            text += "\\N";
            continue;
        }
        auto rest = *cells[i];
        while (!rest.empty()) {
            const auto plain =
                std::min(rest.find_first_of(std::string_view("\\\t\n\0", 4)), rest.size());
            text += rest.substr(0, plain);
            rest.remove_prefix(plain);
            if (rest.empty())
                break;
            text += '\\';
            text += rest[0] == '\0' ? '0' : rest[0] == '\t' ? 't' : rest[0] == '\n' ? 'n' : rest[0];
            rest.remove_prefix(1);
        }
    }
    text += '\n';
}

} // namespace respawn::database
