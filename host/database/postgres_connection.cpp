#include "database/postgres_connection.h"

#include "base/text.h"
#include "database/postgres_errors.h"
#include "database/postgres_rules.h"

#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <libpq-fe.h>

namespace respawn::database {

namespace {

constexpr auto system_certificates = "/etc/ssl/certs/ca-certificates.crt";

// Types of the server that are numbers, truths or bytes here; all else is its text.
enum : Oid {
    type_bool = 16,
    type_bytes = 17,
    type_int8 = 20,
    type_int2 = 21,
    type_int4 = 23,
    type_oid = 26,
    type_float4 = 700,
    type_float8 = 701,
};

std::int64_t milliseconds(Duration span) {
    return std::chrono::ceil<std::chrono::milliseconds>(span).count();
}

struct FreeResult {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, FreeResult>;

// What a statement is given.
struct Given {
    std::vector<Oid> types;
    std::vector<std::string> texts; // the bytes that values point to
    std::vector<const char*> values;
    std::vector<int> sizes, formats;
};

// The shortest digits that are this number and no other.
std::string digits_of(double number) {
    char buffer[64];
    const auto [end, fault] = std::to_chars(buffer, buffer + sizeof buffer, number);
    return fault == std::errc() ? std::string(buffer, end) : "NaN";
}

bool give(Given& given, const Value& value) {
    Oid type = 0; // the server finds out by where it stands
    std::string text;
    if (const auto* known = value.text())
        text = *known;
    else if (const auto* blob = value.blob())
        type = type_bytes, text = blob->bytes;
    else if (const auto* real = value.real())
        type = type_float8, text = digits_of(*real);
    else if (const auto* whole = value.integer())
        type = type_int8, text = std::to_string(*whole);
    else if (const auto* truth = value.boolean())
        type = type_bool, text = *truth ? "t" : "f";
    else if (!value.is_null())
        return false;
    given.types.push_back(type);
    given.texts.push_back(std::move(text));
    given.sizes.push_back(static_cast<int>(given.texts.back().size()));
    given.formats.push_back(type == type_bytes ? 1 : 0);
    return true;
}

Result<Given> all_given(const std::vector<Value>& parameters) {
    Given given;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (!give(given, parameters[i]))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("parameter {} of the SQL is a {}", i + 1,
                                             parameters[i].type_name()),
                          .fix = "give a number, a text, a boolean, a blob or nothing" };
        if (parameters[i].text() && parameters[i].text()->find('\0') != std::string::npos)
            return Error{ .kind = Kind::script,
                          .why = fmt::format("parameter {} of the SQL has a zero byte", i + 1),
                          .fix = "PostgreSQL keeps none in a text; give a blob" };
    }
    for (std::size_t i = 0; i < parameters.size(); ++i)
        given.values.push_back(parameters[i].is_null() ? nullptr : given.texts[i].c_str());
    return given;
}

Value from_hex(std::string_view text) {
    std::size_t size = 0;
    auto* bytes =
        PQunescapeBytea(reinterpret_cast<const unsigned char*>(std::string(text).c_str()), &size);
    Blob blob{ std::string(reinterpret_cast<const char*>(bytes), bytes ? size : 0) };
    PQfreemem(bytes);
    return blob;
}

Value value_of(Oid type, const char* bytes, std::size_t size) {
    const std::string text(bytes, size);
    switch (type) {
    case type_bool:
        return text == "t";
    case type_int2:
    case type_int4:
    case type_int8:
    case type_oid: {
        std::int64_t number = 0;
        std::from_chars(text.data(), text.data() + text.size(), number);
        return number;
    }
    case type_float4:
        return static_cast<double>(std::strtof(text.c_str(), nullptr));
    case type_float8:
        return std::strtod(text.c_str(), nullptr);
    case type_bytes:
        return from_hex(text);
    default:
        return text;
    }
}

void ignore_notice(void*, const PGresult*) {}

} // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const Login& login, Access access,
                                                                     const Patience& patience) {
    std::unique_ptr<PostgresConnection> connection(new PostgresConnection(login));
    TRY(connection->connect(access, patience));
    return connection;
}

PostgresConnection::~PostgresConnection() { close(); }

void PostgresConnection::close() {
    if (handle_)
        PQfinish(handle_);
    handle_ = nullptr;
}

Result<void> PostgresConnection::connect(Access access, const Patience& patience) {
    patience_ = patience;
    const std::string password(login_.password.reveal());
    const auto port = std::to_string(login_.port);
    const auto seconds =
        std::to_string(std::chrono::ceil<std::chrono::seconds>(patience.connecting).count());
    const auto dead = std::to_string(milliseconds(patience.statement + std::chrono::seconds(10)));
    const auto certificates =
        login_.certificates.empty() ? std::string(system_certificates) : login_.certificates.string();
    const bool verify = login_.tls == Tls::verify;
    // All of them, so that nothing of the environment or of files in the home folder is taken.
    const char* names[] = { "host",
                            "port",
                            "user",
                            "password",
                            "dbname",
                            "sslmode",
                            "sslrootcert",
                            "passfile",
                            "connect_timeout",
                            "application_name",
                            "client_encoding",
                            "options",
                            "tcp_user_timeout",
                            "sslcert",
                            "sslkey",
                            "service",
                            "hostaddr",
                            "gssencmode",
                            "target_session_attrs",
                            nullptr };
    const char* values[] = { login_.host.empty() ? login_.socket.c_str() : login_.host.c_str(),
                             port.c_str(),
                             login_.user.c_str(),
                             password.c_str(),
                             login_.database.c_str(),
                             login_.tls == Tls::off ? "disable"
                             : verify               ? "verify-full"
                                                    : "require",
                             verify ? certificates.c_str() : "/nowhere",
                             "/nowhere",
                             seconds.c_str(),
                             "respawn",
                             "UTF8",
                             "",
                             dead.c_str(),
                             "/nowhere",
                             "/nowhere",
                             "",
                             "",
                             "disable",
                             "any",
                             nullptr };
    handle_ = PQconnectdbParams(names, values, 0);
    if (!handle_ || PQstatus(handle_) != CONNECTION_OK) {
        const std::string text = handle_ ? PQerrorMessage(handle_) : "there is no memory";
        close();
        return Error{
            .kind = kind_of_refusal(text),
            .why = fmt::format("PostgreSQL refuses {}: {}", login_.text(), printable(trimmed(text))),
            .fix = "see that the server runs, and that host, port, login, database and TLS are as "
                   "docs/databases.md says"
        };
    }
    PQsetNoticeReceiver(handle_, ignore_notice, nullptr);
    for (const auto& [name, setting] : {
             std::pair("standard_conforming_strings", std::string("on")),
             std::pair("bytea_output", std::string("hex")),
             std::pair("DateStyle", std::string("ISO")),
             std::pair("IntervalStyle", std::string("postgres")),
             std::pair("TimeZone", std::string("UTC")),
             std::pair("extra_float_digits", std::string("1")),
             std::pair("row_security", std::string("off")),
             std::pair("statement_timeout", std::to_string(milliseconds(patience.statement))),
             std::pair("lock_timeout", std::to_string(milliseconds(patience.lock))),
             std::pair("idle_in_transaction_session_timeout",
                       std::to_string(milliseconds(patience.idle))),
             std::pair("default_transaction_read_only",
                       std::string(access == Access::read_only ? "on" : "off")),
         })
        if (patience.idle > Duration::zero() ||
            std::string_view(name) != "idle_in_transaction_session_timeout")
            TRY(run(fmt::format("set {} = '{}'", name, setting)));
    return {};
}

Result<void> PostgresConnection::query(std::string_view sql, const std::vector<Value>& parameters,
                                       const RowSink& sink) {
    may_try_again_ = would_write_ = false;
    if (!handle_)
        return Error{ .kind = Kind::unavailable,
                      .why = fmt::format("the connection as {} is closed", login_.text()) };
    const auto numbered = with_numbered_parameters(sql, postgres_reading_rules());
    if (numbered.parameters != parameters.size())
        return Error{ .kind = Kind::usage,
                      .why =
                          fmt::format("the SQL has {}, {} given",
                                      counted(numbered.parameters, "parameter"), parameters.size()) };
    const auto given = TRY(all_given(parameters));
    const int count = static_cast<int>(given.values.size());
    if (!PQsendQueryParams(handle_, numbered.sql.c_str(), count, given.types.data(),
                           given.values.data(), given.sizes.data(), given.formats.data(), 0) ||
        !PQsetSingleRowMode(handle_))
        return last_error(nullptr);
    return take_rows(sink);
}

Result<void> PostgresConnection::take_rows(const RowSink& sink) {
    Result<void> done;
    while (auto answer = Answer(PQgetResult(handle_))) {
        const auto status = PQresultStatus(answer.get());
        if (!done.ok())
            continue;
        if (status == PGRES_SINGLE_TUPLE)
            done = take_row(answer.get(), sink);
        else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
            done = Error{ .kind = Kind::usage, .why = "COPY is not taken here" }, stop();
        else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
            done = last_error(answer.get());
        const std::string changed = PQcmdTuples(answer.get());
        changed_rows_ = std::strtoll(changed.c_str(), nullptr, 10);
        if (!handle_)
            return done;
    }
    return done;
}

Result<void> PostgresConnection::take_row(pg_result* result, const RowSink& sink) {
    std::vector<std::string> columns;
    std::vector<Value> row;
    for (int i = 0; i < PQnfields(result); ++i) {
        columns.emplace_back(PQfname(result, i));
        row.push_back(PQgetisnull(result, 0, i)
                          ? Value()
                          : value_of(PQftype(result, i), PQgetvalue(result, 0, i),
                                     static_cast<std::size_t>(PQgetlength(result, 0, i))));
    }
    auto sunk = sink(columns, std::move(row));
    if (!sunk.ok())
        stop(); // the rest may be endless
    return sunk;
}

void PostgresConnection::stop() {
    char text[256];
    if (auto* cancel = PQgetCancel(handle_)) {
        PQcancel(cancel, text, sizeof text);
        PQfreeCancel(cancel);
    }
    close();
}

std::string PostgresConnection::quoted(std::string_view name) const {
    std::string quoted = "\"";
    for (const char c : name)
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
}

Result<bool> PostgresConnection::has_table(std::string_view name) {
    return !TRY(value(
                    "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
                    "c.relnamespace where n.nspname = current_schema() and c.relname = ? and c.relkind "
                    "in ('r', 'p')",
                    { name }))
                .is_null();
}

Result<void> PostgresConnection::begin() { return run("begin isolation level repeatable read"); }

Result<void> PostgresConnection::export_snapshot() {
    const auto name = TRY(value("select pg_catalog.pg_export_snapshot()"));
    snapshot_ = name.text() ? *name.text() : "";
    return {};
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::as_it_was() const {
    auto other = TRY(open(login_, Access::read_only, patience_));
    TRY(other->run("begin isolation level repeatable read read only"));
    TRY(other->run(fmt::format("set transaction snapshot '{}'", snapshot_)));
    return other;
}

Error PostgresConnection::last_error(const pg_result* result) {
    const auto* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const std::string code = state ? state : "";
    const auto& problem = postgres_problem(code.empty() ? "08006" : code);
    may_try_again_ = problem.may_try_again;
    would_write_ = code == "25006";
    const auto* primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    const auto* detail = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : nullptr;
    std::string text = primary ? primary : PQerrorMessage(handle_);
    if (detail)
        text += std::string(" (") + detail + ")";
    Error error{ .kind = problem.kind,
                 .why = fmt::format("PostgreSQL says to {}: {}{}", login_.text(),
                                    printable(trimmed(text)), code.empty() ? "" : " (" + code + ")"),
                 .fix = std::string(problem.fix) };
    if (PQstatus(handle_) != CONNECTION_OK)
        close();
    return error;
}

} // namespace respawn::database
