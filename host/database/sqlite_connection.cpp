#include "database/sqlite_connection.h"

#include "base/text.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sqlite3.h>

namespace respawn::database {

namespace {

constexpr int busy_milliseconds = 5000;

Kind kind_of(int code) {
    switch (code & 0xff) {
    case SQLITE_CANTOPEN:
        return Kind::missing;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return Kind::corrupt;
    case SQLITE_FULL:
        return Kind::no_space;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return Kind::denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return Kind::unavailable;
    case SQLITE_INTERRUPT:
        return Kind::timeout;
    case SQLITE_CONSTRAINT:
        return Kind::conflict;
    case SQLITE_IOERR:
        return Kind::io;
    default:
        return Kind::usage;
    }
}

std::string fix_for(Kind kind) {
    switch (kind) {
    case Kind::corrupt:
        return "run the runbook wox/database_corruption, or restore: respawn restore latest";
    case Kind::no_space:
        return "free some space there, then run the same command again";
    case Kind::io:
        return "is there no space left, or is the disk failing? df and dmesg tell; then run the same "
               "command again";
    case Kind::unavailable:
        return "another process holds the database; try again, or stop the game first";
    default:
        return {};
    }
}

// Finalizes its statement when it goes.
class Statement {
  public:
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Statement& operator=(Statement&&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }
    sqlite3_stmt* get() const { return statement_; }

  private:
    sqlite3_stmt* statement_;
};

int bind_one(sqlite3_stmt* statement, int position, const Value& value) {
    if (const auto* truth = value.boolean())
        return sqlite3_bind_int(statement, position, *truth ? 1 : 0);
    if (const auto* whole = value.integer())
        return sqlite3_bind_int64(statement, position, *whole);
    if (const auto* number = value.real())
        return sqlite3_bind_double(statement, position, *number);
    if (const auto* text = value.text())
        return sqlite3_bind_text64(statement, position, text->data(), text->size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    if (const auto* blob = value.blob())
        return sqlite3_bind_blob64(statement, position, blob->bytes.data(), blob->bytes.size(),
                                   SQLITE_TRANSIENT);
    return value.is_null() ? sqlite3_bind_null(statement, position) : SQLITE_MISMATCH;
}

Value column_value(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        return Blob{ std::string(bytes ? bytes : "",
                                 static_cast<std::size_t>(sqlite3_column_bytes(statement, column))) };
    }
    default:
        return nullptr;
    }
}

Result<Statement> prepare(const SqliteConnection& connection, std::string_view sql,
                          const std::vector<Value>& parameters) {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    if (sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()), &raw,
                           &rest) != SQLITE_OK)
        return connection.last_error();
    Statement statement(raw);
    if (!raw)
        return Error{ .kind = Kind::usage, .why = "there is no statement in the SQL" };
    if (!trimmed(std::string_view(rest, static_cast<std::size_t>(sql.data() + sql.size() - rest)))
             .empty())
        return Error{ .kind = Kind::usage, .why = "only one SQL statement is taken at a time" };
    if (sqlite3_bind_parameter_count(raw) != static_cast<int>(parameters.size()))
        return Error{ .kind = Kind::usage,
                      .why = fmt::format(
                          "the SQL has {}, {} given",
                          counted(static_cast<std::uint64_t>(sqlite3_bind_parameter_count(raw)),
                                  "parameter"),
                          parameters.size()) };
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (bind_one(raw, static_cast<int>(i) + 1, parameters[i]) != SQLITE_OK)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("parameter {} of the SQL is a {}", i + 1,
                                             parameters[i].type_name()),
                          .fix = "give a number, a text, a boolean, a blob or nothing" };
    return statement;
}

std::vector<std::string> names_of(const Statement& statement) {
    std::vector<std::string> columns;
    for (int i = 0; i < sqlite3_column_count(statement.get()); ++i)
        columns.emplace_back(sqlite3_column_name(statement.get(), i));
    return columns;
}

} // namespace

std::string quoted_name(std::string_view name) {
    std::string quoted = "\"";
    for (const char c : name)
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
}

Result<SqliteConnection> SqliteConnection::open(const io::Path& path, Access access) {
    // SQLite opens lazily and reports a missing file as "unable to open": look first.
    if (access != Access::create && !io::is_there(path))
        return io::system_error("open", path, ENOENT);
    const int flags = access == Access::read_only    ? SQLITE_OPEN_READONLY
                      : access == Access::read_write ? SQLITE_OPEN_READWRITE
                                                     : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    return open(path, flags, nullptr);
}

Result<SqliteConnection> SqliteConnection::open_virtual(VirtualFile& file, const io::Path& name) {
    const OpeningVirtualFile opening(file);
    return open(name, file.may_be_written() ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY,
                virtual_files());
}

Result<SqliteConnection> SqliteConnection::open_in_memory(const io::Path& name) {
    auto connection = TRY(open(
        ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_URI,
        nullptr));
    connection.path_ = name;
    TRY(connection.run("PRAGMA temp_store = MEMORY"));
    return connection;
}

Result<SqliteConnection> SqliteConnection::open(const io::Path& path, int flags,
                                                const char* file_system) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &raw, flags, file_system);
    SqliteConnection connection(raw, path);
    if (code != SQLITE_OK)
        return connection.last_error();
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, busy_milliseconds);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return connection;
}

SqliteConnection::SqliteConnection(SqliteConnection&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {}

SqliteConnection& SqliteConnection::operator=(SqliteConnection&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(path_, other.path_);
    return *this;
}

SqliteConnection::~SqliteConnection() { sqlite3_close_v2(handle_); }

Error SqliteConnection::last_error() const {
    auto kind = kind_of(sqlite3_errcode(handle_));
    // Where a full disk shows only when files are synced, SQLite calls it an I/O error.
    const int system = kind == Kind::io ? sqlite3_system_errno(handle_) : 0;
    if (system == ENOSPC || system == EDQUOT)
        kind = Kind::no_space;
    return Error{ .kind = kind,
                  .why = fmt::format("SQLite says of {}: {}{}", printable(path_.string()),
                                     printable(sqlite3_errmsg(handle_)),
                                     system ? fmt::format(" ({})", std::strerror(system)) : ""),
                  .fix = fix_for(kind) };
}

Result<void> SqliteConnection::query(std::string_view sql, const std::vector<Value>& parameters,
                                     const RowSink& sink) {
    const auto statement = TRY(prepare(*this, sql, parameters));
    const auto columns = names_of(statement);
    for (;;) {
        const int code = sqlite3_step(statement.get());
        if (code == SQLITE_DONE)
            return {};
        if (code != SQLITE_ROW)
            return last_error();
        std::vector<Value> row;
        row.reserve(columns.size());
        for (std::size_t i = 0; i < columns.size(); ++i)
            row.push_back(column_value(statement.get(), static_cast<int>(i)));
        TRY(sink(columns, std::move(row)));
    }
}

Result<std::vector<std::string>> SqliteConnection::columns_of(std::string_view sql) {
    return names_of(TRY(prepare(*this, sql, {})));
}

Result<void> SqliteConnection::run_script(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return last_error();
    return {};
}

std::int64_t SqliteConnection::changed_rows() const { return sqlite3_changes64(handle_); }

std::string SqliteConnection::quoted(std::string_view name) const { return quoted_name(name); }

Result<bool> SqliteConnection::has_table(std::string_view name) {
    return !TRY(value("select 1 from sqlite_schema where name = ?", { name })).is_null();
}

Result<void> SqliteConnection::transaction(const std::function<Result<void>()>& body) {
    TRY(run("begin immediate"));
    auto done = body();
    if (done.ok())
        done = run("commit");
    if (!done.ok() && sqlite3_get_autocommit(handle_) == 0)
        sqlite3_exec(handle_, "rollback", nullptr, nullptr,
                     nullptr); // cannot fail in a way that keeps the changes
    return done;
}

} // namespace respawn::database
