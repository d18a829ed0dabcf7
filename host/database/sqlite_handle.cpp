#include "database/sqlite_handle.h"

#include "base/text.h"

#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <sqlite3.h>
#include <thread>

namespace respawn::database {

struct SqliteHandle::State {
    io::Path path;
    LockPatience patience;
    std::chrono::steady_clock::time_point waiting_since;
    sqlite3* connection = nullptr;

    ~State() { sqlite3_close_v2(connection); }
};

namespace {

bool is_cancelled(const LockPatience& patience) {
    return patience.cancel && patience.cancel->requested();
}

// "file:///path?mode=ro" with every byte escaped that means something in a URI.
std::string uri_of(const io::Path& path, std::string_view options) {
    std::string uri = "file://";
    for (const unsigned char byte : std::filesystem::absolute(path).string()) {
        const bool plain =
            std::isalnum(byte) || byte == '/' || byte == '.' || byte == '-' || byte == '_';
        uri += plain ? std::string(1, static_cast<char>(byte)) : fmt::format("%{:02x}", byte);
    }
    return fmt::format("{}?{}", uri, options);
}

const char* options_of(SqliteHandle::Access access) {
    switch (access) {
    case SqliteHandle::Access::read_only:
        return "mode=ro";
    case SqliteHandle::Access::still:
        return "mode=ro&immutable=1";
    case SqliteHandle::Access::create:
        return "mode=rwc";
    default:
        return "mode=rw";
    }
}

int flags_of(SqliteHandle::Access access) {
    const int common = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (access == SqliteHandle::Access::create)
        return common | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (access == SqliteHandle::Access::read_only || access == SqliteHandle::Access::still)
        return common | SQLITE_OPEN_READONLY;
    return common | SQLITE_OPEN_READWRITE;
}

} // namespace

SqliteHandle::SqliteHandle(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteHandle::SqliteHandle(SqliteHandle&&) noexcept = default;
SqliteHandle::~SqliteHandle() = default;

sqlite3* SqliteHandle::get() const { return state_->connection; }
const io::Path& SqliteHandle::path() const { return state_->path; }
bool SqliteHandle::cancelled() const { return is_cancelled(state_->patience); }

Result<SqliteHandle> SqliteHandle::open(const io::Path& path, Access access,
                                        const LockPatience& patience) {
    SqliteHandle handle(std::make_unique<State>(State{ path, patience, {}, nullptr }));
    auto* state = handle.state_.get();
    const auto uri = uri_of(path, options_of(access));
    const int code = sqlite3_open_v2(uri.c_str(), &state->connection, flags_of(access), nullptr);
    if (code != SQLITE_OK)
        return handle.error(code);
    sqlite3_db_config(state->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(state->connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    const auto wait = [](void* of, int tries) -> int {
        auto& waiting = *static_cast<State*>(of);
        const auto present = std::chrono::steady_clock::now();
        if (tries == 0)
            waiting.waiting_since = present;
        if (is_cancelled(waiting.patience) ||
            present - waiting.waiting_since >= waiting.patience.longest)
            return 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(tries < 10 ? 2 : 20));
        return 1;
    };
    const auto stop = [](void* of) -> int { return is_cancelled(static_cast<State*>(of)->patience); };
    sqlite3_busy_handler(state->connection, wait, state);
    sqlite3_progress_handler(state->connection, 20000, stop, state);
    if (access == Access::own)
        for (const char* pragma : { "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA query_only = ON" })
            TRY(handle.run(pragma));
    return handle;
}

namespace {

Error busy_error(const io::Path& path, Duration waited) {
    return { .kind = Kind::timeout,
             .why = fmt::format("another process has locked {} for longer than {}",
                                printable(path.string()), human_duration(waited)),
             .fix =
                 fmt::format("see which one holds a transaction open (fuser -v {}), then run the same "
                             "command again",
                             printable(path.string())) };
}

Error damage_error(const io::Path& path, int code, const char* text) {
    const auto name = printable(path.string());
    return { .kind = Kind::corrupt,
             .why = code == SQLITE_NOTADB ? fmt::format("{} is not an SQLite database", name)
                                          : fmt::format("{} is damaged: {}", name, printable(text)),
             .fix = "set the damaged file aside and bring the newest good backup back (as the runbook "
                    "wox/database_corruption does)" };
}

} // namespace

Error SqliteHandle::error(int code) const {
    const auto path = state_->path;
    const char* text = state_->connection ? sqlite3_errmsg(state_->connection) : sqlite3_errstr(code);
    const int number = state_->connection ? sqlite3_system_errno(state_->connection) : 0;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        if (cancelled())
            return { .kind = Kind::cancelled, .why = "interrupted by the person" };
        return busy_error(path, state_->patience.longest);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return damage_error(path, code & 0xff, text);
    case SQLITE_FULL:
        return io::system_error("write", path, ENOSPC);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        if (number != 0)
            return io::system_error("use", path, number);
        [[fallthrough]];
    default:
        return { .kind = Kind::io,
                 .why =
                     fmt::format("SQLite says of {}: {}", printable(path.string()), printable(text)) };
    }
}

Result<SqliteStatement> SqliteHandle::prepare(std::string_view sql) const {
    sqlite3_stmt* statement = nullptr;
    const int code =
        sqlite3_prepare_v2(get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    if (code != SQLITE_OK)
        return error(code);
    return SqliteStatement(statement, this);
}

Result<void> SqliteHandle::run(const char* sql) const {
    auto statement = TRY(prepare(sql));
    TRY(statement.step());
    return {};
}

Result<std::int64_t> SqliteHandle::number(std::string_view sql) const {
    auto statement = TRY(prepare(sql));
    const bool any = TRY(statement.step());
    return any ? statement.integer(0) : 0;
}

Result<std::string> SqliteHandle::text(std::string_view sql) const {
    auto statement = TRY(prepare(sql));
    const bool any = TRY(statement.step());
    return any ? std::string(statement.text(0)) : std::string();
}

sqlite3_file* SqliteHandle::file() const {
    sqlite3_file* found = nullptr;
    sqlite3_file_control(get(), "main", SQLITE_FCNTL_FILE_POINTER, &found);
    return found && found->pMethods ? found : nullptr;
}

Result<std::string> SqliteHandle::read_raw(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    auto* raw = file();
    const auto length = TRY(raw_size());
    if (offset >= length)
        return std::string();
    bytes.resize(std::min<std::uint64_t>(size, length - offset));
    const int code = raw->pMethods->xRead(raw, bytes.data(), static_cast<int>(bytes.size()),
                                          static_cast<sqlite3_int64>(offset));
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
        return error(code);
    return bytes;
}

Result<std::uint64_t> SqliteHandle::raw_size() const {
    auto* raw = file();
    sqlite3_int64 size = 0;
    if (!raw || raw->pMethods->xFileSize(raw, &size) != SQLITE_OK)
        return error(SQLITE_IOERR);
    return static_cast<std::uint64_t>(size);
}

Result<void> SqliteHandle::lock_shared() const {
    auto* raw = file();
    const auto since = std::chrono::steady_clock::now();
    for (;;) {
        const int code = raw ? raw->pMethods->xLock(raw, SQLITE_LOCK_SHARED) : SQLITE_IOERR;
        if (code == SQLITE_OK)
            return {};
        const bool waited = std::chrono::steady_clock::now() - since >= state_->patience.longest;
        if ((code & 0xff) != SQLITE_BUSY || waited || cancelled())
            return error(code);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

Result<bool> SqliteHandle::lock_exclusive() const {
    auto* raw = file();
    for (const int level : { SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED, SQLITE_LOCK_EXCLUSIVE }) {
        const int code = raw ? raw->pMethods->xLock(raw, level) : SQLITE_IOERR;
        if ((code & 0xff) == SQLITE_BUSY)
            return false;
        if (code != SQLITE_OK)
            return error(code);
    }
    return true;
}

Result<bool> SqliteHandle::has_writer() const {
    auto* raw = file();
    int reserved = 0;
    const int code = raw ? raw->pMethods->xCheckReservedLock(raw, &reserved) : SQLITE_IOERR;
    if (code != SQLITE_OK)
        return error(code);
    return reserved != 0;
}

std::string SqliteHandle::wal_end() const {
    auto* raw = file();
    volatile void* region = nullptr;
    constexpr int region_size = 32768; // the size SQLite maps it in
    if (!raw || raw->pMethods->iVersion < 2 ||
        raw->pMethods->xShmMap(raw, 0, region_size, 0, &region) != SQLITE_OK || !region)
        return {};
    // The header stands there twice, 48 bytes each; unequal copies are a write under way. Page size,
    // frames, pages, last checksum and salts are bytes 14 to 40 (walformat.html).
    std::string copies(96, '\0');
    for (std::size_t i = 0; i < copies.size(); ++i)
        copies[i] = static_cast<volatile char*>(region)[i];
    if (copies.compare(0, 48, copies, 48, 48) != 0)
        return "being written";
    return copies.substr(14, 26);
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Result<bool> SqliteStatement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    return owner_->error(code);
}

SqliteStatement& SqliteStatement::bind(int position, std::string_view text) {
    sqlite3_bind_text64(statement_.get(), position, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    return *this;
}

int SqliteStatement::columns() const { return sqlite3_column_count(statement_.get()); }
int SqliteStatement::type(int column) const { return sqlite3_column_type(statement_.get(), column); }
std::int64_t SqliteStatement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}
double SqliteStatement::real(int column) const {
    return sqlite3_column_double(statement_.get(), column);
}

std::string_view SqliteStatement::text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes ? std::string_view(reinterpret_cast<const char*>(bytes), size) : std::string_view();
}

std::string_view SqliteStatement::blob(int column) const {
    const auto* bytes = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes ? std::string_view(static_cast<const char*>(bytes), size) : std::string_view();
}

} // namespace respawn::database
