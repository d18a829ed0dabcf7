#include "database/mariadb_connection.h"

#include "base/text.h"
#include "database/mariadb_connect.h"
#include "database/mariadb_errors.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <mysql.h>

namespace respawn::database {

namespace {

// What a statement is given; the texts are the caller's.
struct Given {
    std::int64_t whole = 0;
    double real = 0;
    unsigned long size = 0;
};

void give_bytes(MYSQL_BIND& bind, enum_field_types type, const std::string& bytes) {
    bind.buffer_type = type;
    bind.buffer = const_cast<char*>(bytes.data());
    bind.buffer_length = bytes.size();
}

bool give(MYSQL_BIND& bind, Given& given, const Value& value) {
    if (const auto* text = value.text()) {
        give_bytes(bind, MYSQL_TYPE_STRING, *text);
    } else if (const auto* blob = value.blob()) {
        give_bytes(bind, MYSQL_TYPE_BLOB, blob->bytes);
    } else if (const auto* real = value.real()) {
        given.real = *real;
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = &given.real;
    } else if (value.integer() || value.boolean()) {
        given.whole = value.integer() ? *value.integer() : *value.boolean() ? 1 : 0;
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = &given.whole;
    } else {
        bind.buffer_type = MYSQL_TYPE_NULL;
        return value.is_null();
    }
    given.size = bind.buffer_length;
    bind.length = &given.size;
    return true;
}

// ---- rows ----

constexpr unsigned binary_charset = 63;

// One column of an answer. What has no fixed size is fetched once its size is known.
struct Taken {
    enum_field_types type = MYSQL_TYPE_NULL;
    bool is_unsigned = false, is_bytes = false;
    std::int64_t whole = 0;
    float single = 0;
    double real = 0;
    unsigned long size = 0;
    my_bool null = 0, cut = 0;
};

bool is_whole(enum_field_types type) {
    return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
           type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

bool is_bytes(const MYSQL_FIELD& field) {
    switch (field.type) {
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VARCHAR:
        return field.charsetnr == binary_charset;
    case MYSQL_TYPE_GEOMETRY:
        return true;
    default:
        return false;
    }
}

void prepare_to_take(const MYSQL_FIELD& field, Taken& taken, MYSQL_BIND& bind) {
    taken.type = field.type;
    taken.is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
    taken.is_bytes = is_bytes(field);
    bind.is_null = &taken.null;
    bind.length = &taken.size;
    bind.error = &taken.cut;
    if (is_whole(field.type)) {
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.is_unsigned = taken.is_unsigned;
        bind.buffer = &taken.whole;
    } else if (field.type == MYSQL_TYPE_FLOAT) {
        bind.buffer_type = MYSQL_TYPE_FLOAT;
        bind.buffer = &taken.single;
    } else if (field.type == MYSQL_TYPE_DOUBLE) {
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = &taken.real;
    } else {
        bind.buffer_type =
            taken.is_bytes || field.type == MYSQL_TYPE_BIT ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
    }
}

// A whole number that fits no 64 bits with a sign is its digits.
Value whole_or_digits(std::uint64_t number) {
    return number <= INT64_MAX ? Value(static_cast<std::int64_t>(number))
                               : Value(std::to_string(number));
}

Value from_bits(const std::string& bytes) {
    std::uint64_t number = 0;
    for (const char c : bytes)
        number = number << 8 | static_cast<unsigned char>(c);
    return whole_or_digits(number);
}

// Longer than any date, time or number: the server's text of one may be shorter than its room.
constexpr unsigned long short_text = 128;

std::optional<Value> take_long(MYSQL_STMT* statement, unsigned column, Taken& taken) {
    std::string bytes(std::max(taken.size, short_text), '\0');
    MYSQL_BIND bind{};
    bind.buffer_type =
        taken.is_bytes || taken.type == MYSQL_TYPE_BIT ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
    bind.buffer = bytes.data();
    bind.buffer_length = bytes.size();
    bind.length = &taken.size;
    bind.error = &taken.cut;
    bind.is_null = &taken.null;
    if (mysql_stmt_fetch_column(statement, &bind, column, 0) != 0)
        return std::nullopt;
    bytes.resize(std::min<std::size_t>(taken.size, bytes.size()));
    if (taken.type == MYSQL_TYPE_BIT)
        return from_bits(bytes);
    return taken.is_bytes ? Value(Blob{ std::move(bytes) }) : Value(std::move(bytes));
}

std::optional<Value> take(MYSQL_STMT* statement, unsigned column, Taken& taken) {
    if (taken.null)
        return Value();
    if (taken.type == MYSQL_TYPE_FLOAT)
        return Value(static_cast<double>(taken.single));
    if (taken.type == MYSQL_TYPE_DOUBLE)
        return Value(taken.real);
    if (is_whole(taken.type))
        return taken.is_unsigned ? whole_or_digits(static_cast<std::uint64_t>(taken.whole))
                                 : Value(taken.whole);
    return take_long(statement, column, taken);
}

struct CloseStatement {
    void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};
struct FreeResult {
    void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

} // namespace

Result<std::unique_ptr<MariadbConnection>> MariadbConnection::open(const Login& login, Access access,
                                                                   const Patience& patience) {
    std::unique_ptr<MariadbConnection> connection(new MariadbConnection(login));
    TRY(connection->connect(access, patience));
    return connection;
}

MariadbConnection::~MariadbConnection() { close(); }

void MariadbConnection::close() {
    if (handle_)
        mysql_close(handle_);
    handle_ = nullptr;
}

Result<void> MariadbConnection::connect(Access access, const Patience& patience) {
    handle_ = TRY(connect_mariadb(login_, patience));
    is_mariadb_ = database::is_mariadb(handle_);
    // Values are taken whole or refused; texts of times are UTC; a 0 or a zero date that was read can
    // be written again.
    TRY(run("set session sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,"
            "ERROR_FOR_DIVISION_BY_ZERO', time_zone = '+00:00', autocommit = 1, "
            "foreign_key_checks = 1, unique_checks = 1, sql_warnings = 0"));
    TRY(run(fmt::format("set session innodb_lock_wait_timeout = {0}, lock_wait_timeout = {0}",
                        whole_seconds(patience.lock))));
    const auto limit =
        std::chrono::duration_cast<std::chrono::milliseconds>(patience.statement).count();
    TRY(run(is_mariadb_
                ? fmt::format("set session max_statement_time = {}", whole_seconds(patience.statement))
                : fmt::format("set session max_execution_time = {}", limit)));
    if (is_mariadb_ && patience.idle > Duration::zero())
        TRY(run(
            fmt::format("set session idle_transaction_timeout = {}", whole_seconds(patience.idle))));
    TRY(run("set session transaction isolation level repeatable read"));
    if (access == Access::read_only)
        return run("set session transaction read only");
    return {};
}

Result<void> MariadbConnection::query(std::string_view sql, const std::vector<Value>& parameters,
                                      const RowSink& sink) {
    may_try_again_ = would_write_ = false;
    if (!handle_)
        return last_error(2006, "the connection is closed");
    const std::unique_ptr<MYSQL_STMT, CloseStatement> statement(mysql_stmt_init(handle_));
    if (!statement)
        return Error{ .kind = Kind::io, .why = "there is no memory for a statement" };
    auto done = execute(statement.get(), sql, parameters);
    if (done.ok())
        done = fetch(statement.get(), sink);
    return done;
}

Result<void> MariadbConnection::execute(st_mysql_stmt* statement, std::string_view sql,
                                        const std::vector<Value>& parameters) {
    if (mysql_stmt_prepare(statement, sql.data(), sql.size()) != 0)
        return statement_error(statement);
    const auto wanted = mysql_stmt_param_count(statement);
    if (wanted != parameters.size())
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("the SQL has {}, {} given", counted(wanted, "parameter"),
                                         parameters.size()) };
    std::vector<MYSQL_BIND> binds(parameters.size());
    std::vector<Given> given(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (!give(binds[i], given[i], parameters[i]))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("parameter {} of the SQL is a {}", i + 1,
                                             parameters[i].type_name()),
                          .fix = "give a number, a text, a boolean, a blob or nothing" };
    if ((!binds.empty() && mysql_stmt_bind_param(statement, binds.data()) != 0) ||
        mysql_stmt_execute(statement) != 0)
        return statement_error(statement);
    changed_rows_ = static_cast<std::int64_t>(mysql_stmt_affected_rows(statement));
    warnings_ = mysql_warning_count(handle_);
    return {};
}

Result<void> MariadbConnection::fetch(st_mysql_stmt* statement, const RowSink& sink) {
    const std::unique_ptr<MYSQL_RES, FreeResult> answer(mysql_stmt_result_metadata(statement));
    if (!answer)
        return {};
    const unsigned count = mysql_num_fields(answer.get());
    std::vector<std::string> columns;
    std::vector<Taken> taken(count);
    std::vector<MYSQL_BIND> binds(count);
    for (unsigned i = 0; i < count; ++i) {
        const auto& field = mysql_fetch_fields(answer.get())[i];
        columns.emplace_back(field.name, field.name_length);
        prepare_to_take(field, taken[i], binds[i]);
    }
    if (mysql_stmt_bind_result(statement, binds.data()) != 0)
        return statement_error(statement);
    for (;;) {
        const int state = mysql_stmt_fetch(statement);
        if (state == MYSQL_NO_DATA)
            return {};
        if (state != 0 && state != MYSQL_DATA_TRUNCATED)
            return statement_error(statement);
        std::vector<Value> row;
        for (unsigned i = 0; i < count; ++i) {
            auto value = take(statement, i, taken[i]);
            if (!value)
                return statement_error(statement);
            row.push_back(std::move(*value));
        }
        auto sunk = sink(columns, std::move(row));
        if (!sunk.ok()) {
            close(); // the rest may be endless
            return sunk;
        }
    }
}

std::string MariadbConnection::quoted(std::string_view name) const {
    std::string quoted = "`";
    for (const char c : name)
        quoted += c == '`' ? "``" : std::string(1, c);
    return quoted + "`";
}

Result<bool> MariadbConnection::has_table(std::string_view name) {
    return !TRY(value("select 1 from information_schema.tables where table_schema = database() and "
                      "table_name = ?",
                      { name }))
                .is_null();
}

// Many rows of one table are looked up at once: what it is like is asked once for all of them.
Result<std::string> MariadbConnection::whole_row(std::string_view table) {
    if (const auto known = whole_rows_.find(table);
        known != whole_rows_.end() && now() - known->second.asked < std::chrono::seconds(1))
        return known->second.list;
    std::string list;
    for (const auto& row :
         TRY(rows("select column_name as name, extra like '%INVISIBLE%' as hidden from "
                  "information_schema.columns where table_schema = database() and "
                  "table_name = ? order by ordinal_position",
                  { table }))) {
        if (list.empty())
            list = "t.*";
        if (row.at("hidden") == Value(1))
            list += ", t." + quoted(row.at("name").text() ? *row.at("name").text() : "");
    }
    if (!list.empty())
        whole_rows_.insert_or_assign(std::string(table), WholeRow{ list, now() });
    return list;
}

Result<std::string> MariadbConnection::cut_value() {
    if (warnings_ == 0)
        return std::string();
    for (const auto& row : TRY(rows("show warnings")))
        if (is_cut_value(
                static_cast<unsigned>(row.at("Code").integer() ? *row.at("Code").integer() : 0)))
            return row.at("Message").text() ? *row.at("Message").text() : "a value was cut";
    return std::string();
}

// An error that came in place of a row stands at the connection alone.
Error MariadbConnection::statement_error(st_mysql_stmt* statement) {
    if (mysql_stmt_errno(statement) != 0 || !handle_)
        return last_error(mysql_stmt_errno(statement), mysql_stmt_error(statement));
    return last_error(mysql_errno(handle_), mysql_error(handle_));
}

Error MariadbConnection::last_error(unsigned code, const char* text) {
    const auto problem = mariadb_problem(code);
    may_try_again_ = problem.may_try_again;
    would_write_ = code == 1792; // cannot execute statement in a READ ONLY transaction
    auto error = mariadb_error(login_, is_mariadb_, code, text);
    if (problem.has_gone)
        close(); // and the text with it
    return error;
}

} // namespace respawn::database
