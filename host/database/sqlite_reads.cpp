#include "database/sqlite_reads.h"

#include "base/text.h"
#include "database/only_reads.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sqlite3.h>

namespace respawn::database {

namespace {

constexpr int instructions_between_looks = 20'000;

// Functions of SQL that do more than compute.
constexpr std::array forbidden_functions = { "load_extension", "readfile", "writefile", "edit",
                                             "fts3_tokenizer" };
// Pragmas that only tell; as table-valued functions they are how a runbook looks at a schema. A text
// index asks for data_version itself.
constexpr std::array telling_pragmas = { "table_info", "table_xinfo",      "table_list",
                                         "index_list", "index_info",       "index_xinfo",
                                         "page_count", "foreign_key_list", "database_list",
                                         "page_size",  "data_version" };

template <std::size_t count>
bool is_one_of(const std::array<const char*, count>& names, const char* name) {
    return name && std::any_of(names.begin(), names.end(),
                               [&](const char* known) { return std::string_view(known) == name; });
}

int may_read(void*, int action, const char* first, const char* second, const char*, const char*) {
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return is_one_of(forbidden_functions, second) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_UPDATE:
        // Asked for when a table-valued function (pragma_…, json_each) is first used and declares its
        // columns. SQL that updates the schema table itself is refused by SQLite whatever is said here.
        return std::string_view(first) == "sqlite_master" ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA:
        return is_one_of(telling_pragmas, first) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

int may_read_noting(void* into, int action, const char* first, const char* second, const char* database,
                    const char* inside) {
    if (action == SQLITE_READ && first && second && database)
        static_cast<std::vector<ReadColumn>*>(into)->push_back({ database, first, second });
    return may_read(nullptr, action, first, second, database, inside);
}

int past_deadline(void* stop_at) { return now() > *static_cast<Moment*>(stop_at) ? 1 : 0; }

} // namespace

ReadGuard::ReadGuard(SqliteConnection& connection, Duration longest)
    : connection_(connection), stop_at_(now() + longest) {
    sqlite3_set_authorizer(connection_.handle(), may_read, nullptr);
    sqlite3_progress_handler(connection_.handle(), instructions_between_looks, past_deadline,
                             &stop_at_);
}

ReadGuard::~ReadGuard() {
    sqlite3_set_authorizer(connection_.handle(), nullptr, nullptr);
    sqlite3_progress_handler(connection_.handle(), 0, nullptr, nullptr);
}

Result<Reading> look_at(SqliteConnection& connection, std::string_view sql) {
    Reading reading;
    const ReadGuard guard(connection);
    sqlite3_set_authorizer(connection.handle(), may_read_noting, &reading.reads);
    auto columns = connection.columns_of(sql);
    if (!columns.ok())
        return columns.error().kind == Kind::denied ? not_reading(columns.error().why)
                                                    : columns.error();
    reading.columns = std::move(columns).value();
    return reading;
}

Result<void> guarded_query(SqliteConnection& connection, std::string_view sql, const RowSink& sink,
                           Duration longest) {
    const ReadGuard guard(connection, longest);
    auto done = connection.query(sql, {}, sink);
    return !done.ok() && done.error().kind == Kind::denied ? not_reading(done.error().why)
                                                           : std::move(done);
}

Result<Rows> guarded_query(SqliteConnection& connection, std::string_view sql,
                           const std::vector<Value>& parameters) {
    constexpr Duration longest_read = std::chrono::seconds(30);
    const ReadGuard guard(connection, longest_read);
    auto done = collect(connection, sql, parameters);
    if (done.ok())
        return done;
    if (done.error().kind == Kind::denied)
        return not_reading(done.error().why);
    if (done.error().kind == Kind::timeout)
        done.error().fix = fmt::format("a read may take {}; ask for less or add an index",
                                       human_duration(longest_read));
    return done.error();
}

} // namespace respawn::database
