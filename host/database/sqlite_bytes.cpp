// A virtual file system (sqlite.org/vfs.html) with one kind of file, read-only, and no locks.
#include "database/sqlite_bytes.h"

#include "database/sqlite_reads.h"

#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <sqlite3.h>

namespace respawn::database {

namespace {

constexpr const char* file_system = "respawn-bytes";
constexpr Duration longest_query =
    std::chrono::hours(24); // a person waits for it, and can press Ctrl-C

} // namespace

struct BytesDatabase::Shared {
    std::vector<Bytes> all;     // SQLite's files point into it
    std::optional<Error> fault; // of the last fetch that failed
};

namespace {

struct Source {
    const Bytes* bytes = nullptr;
    std::optional<Error>* fault = nullptr;
};

// What this thread is opening: SQLite opens the file before sqlite3_open_v2() returns.
thread_local Source opening;

struct File {
    sqlite3_file base; // first: SQLite knows this part
    Source source;
};

Source& source_of(sqlite3_file* file) { return reinterpret_cast<File*>(file)->source; }

int close_file(sqlite3_file*) { return SQLITE_OK; }

// A page image taken in WAL mode has its WAL in it already: the header must not ask for one.
void say_no_wal(char* bytes, std::size_t size, std::uint64_t offset) {
    for (const std::uint64_t at : { 18, 19 })
        if (at >= offset && at < offset + size && bytes[at - offset] == 2)
            bytes[at - offset] = 1;
}

int read_file(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
    const auto& source = source_of(file);
    const auto at = static_cast<std::uint64_t>(offset);
    const auto wanted = static_cast<std::size_t>(amount);
    const auto there =
        at >= source.bytes->size ? 0 : std::min<std::uint64_t>(wanted, source.bytes->size - at);
    auto* out = static_cast<char*>(buffer);
    if (there > 0) {
        auto read = source.bytes->read(at, there);
        if (!read.ok() || read.value().size() != there) {
            *source.fault = read.ok() ? Error{ .kind = Kind::corrupt, .why = "bytes are missing" }
                                      : std::move(read).error();
            return SQLITE_IOERR_READ;
        }
        std::memcpy(out, read.value().data(), there);
        say_no_wal(out, there, at);
    }
    std::memset(out + there, 0, wanted - there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int refuse_write(sqlite3_file*, const void*, int, sqlite3_int64) { return SQLITE_READONLY; }
int refuse_truncate(sqlite3_file*, sqlite3_int64) { return SQLITE_READONLY; }
int do_nothing(sqlite3_file*, int) { return SQLITE_OK; }

int tell_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(source_of(file).bytes->size);
    return SQLITE_OK;
}

int tell_no_lock(sqlite3_file*, int* locked) {
    *locked = 0;
    return SQLITE_OK;
}

int know_no_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int tell_sector(sqlite3_file*) { return 4096; }
int tell_character(sqlite3_file*) { return SQLITE_IOCAP_IMMUTABLE; }

constexpr sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = refuse_write,
    .xTruncate = refuse_truncate,
    .xSync = do_nothing,
    .xFileSize = tell_size,
    .xLock = do_nothing,
    .xUnlock = do_nothing,
    .xCheckReservedLock = tell_no_lock,
    .xFileControl = know_no_control,
    .xSectorSize = tell_sector,
    .xDeviceCharacteristics = tell_character,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int, int* flags) {
    file->pMethods = nullptr;
    if (!name || !opening.bytes) // a temporary file: everything stays in memory
        return SQLITE_CANTOPEN;
    reinterpret_cast<File*>(file)->source = opening;
    file->pMethods = &methods;
    if (flags)
        *flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

int refuse_removal(sqlite3_vfs*, const char*, int) { return SQLITE_READONLY; }

int know_no_file(sqlite3_vfs*, const char*, int, int* there) {
    *there = 0;
    return SQLITE_OK;
}

int same_name(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

int random_bytes(sqlite3_vfs*, int size, char* out) {
    auto* system = sqlite3_vfs_find(nullptr);
    return system->xRandomness(system, size, out);
}

int present_time(sqlite3_vfs*, double* julian) {
    auto* system = sqlite3_vfs_find(nullptr);
    return system->xCurrentTime(system, julian);
}

int wait(sqlite3_vfs*, int) { return 0; }
int no_error(sqlite3_vfs*, int, char*) { return 0; }

bool registered() {
    static sqlite3_vfs vfs = { .iVersion = 1,
                               .szOsFile = sizeof(File),
                               .mxPathname = 512,
                               .zName = file_system,
                               .xOpen = open_file,
                               .xDelete = refuse_removal,
                               .xAccess = know_no_file,
                               .xFullPathname = same_name,
                               .xRandomness = random_bytes,
                               .xSleep = wait,
                               .xCurrentTime = present_time,
                               .xGetLastError = no_error };
    static const bool done = sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
    return done;
}

} // namespace

Result<BytesDatabase> BytesDatabase::open(Bytes bytes) {
    if (!registered())
        return Error{ .kind = Kind::internal, .why = "SQLite refused a file system" };
    auto shared = std::make_shared<Shared>();
    shared->all.push_back(std::move(bytes));
    opening = { &shared->all.front(), &shared->fault };
    auto connection = SqliteConnection::open_in(file_system, shared->all.front().name);
    opening = {};
    if (!connection.ok() && shared->fault)
        return *shared->fault;
    BytesDatabase database(std::move(shared), TRY(std::move(connection)));
    TRY(database.named(database.connection_.run("PRAGMA temp_store = MEMORY")));
    return database;
}

namespace {

// As the file's header says it, in the words of PRAGMA encoding.
Result<std::string_view> encoding_of(const Bytes& bytes) {
    constexpr std::uint64_t at = 56, size = 4;
    if (bytes.size < at + size)
        return "UTF-8"; // an empty database
    const auto field = TRY(bytes.read(at, size));
    return field.back() == 2 ? "UTF-16le" : field.back() == 3 ? "UTF-16be" : "UTF-8";
}

} // namespace

Result<BytesDatabase> BytesDatabase::open_together(std::vector<Bytes> all) {
    if (!registered())
        return Error{ .kind = Kind::internal, .why = "SQLite refused a file system" };
    auto shared = std::make_shared<Shared>();
    shared->all = std::move(all);
    BytesDatabase database(shared, TRY(SqliteConnection::open_in_memory("the backups")));
    const auto encoding = TRY(encoding_of(shared->all.front()));
    TRY(database.connection_.run(fmt::format("PRAGMA encoding = '{}'", encoding)));
    for (const auto& bytes : shared->all) {
        if (TRY(encoding_of(bytes)) != encoding)
            return Error{ .kind = Kind::unsupported,
                          .why = "the two databases keep their text in different encodings",
                          .fix = "ask one at a time" };
        TRY(database.attach(bytes));
    }
    return database;
}

Result<void> BytesDatabase::attach(const Bytes& bytes) {
    opening = { &bytes, &shared_->fault };
    auto attached = connection_.run(
        fmt::format("ATTACH 'file:{0}?vfs={1}&mode=ro' AS {0}", bytes.name, file_system));
    // Opened now, while the system below knows what it opens; SQLite reads the header later.
    if (attached.ok())
        attached = connection_.run(fmt::format("SELECT 1 FROM {}.sqlite_schema LIMIT 1", bytes.name));
    opening = {};
    return named(std::move(attached));
}

Result<void> BytesDatabase::named(Result<void> done) {
    return !done.ok() && shared_->fault ? *shared_->fault : std::move(done);
}

Result<void> BytesDatabase::query(std::string_view sql, const RowSink& sink) {
    shared_->fault.reset();
    auto done = named(guarded_query(connection_, sql, sink, longest_query));
    if (!done.ok() && done.error().kind == Kind::denied)
        done.error().fix = "a backup never changes: ask it with SELECT";
    return done;
}

Result<Rows> BytesDatabase::rows(std::string_view sql, const std::vector<Value>& parameters) {
    shared_->fault.reset();
    Rows found;
    TRY(named(connection_.query(sql, parameters,
                                [&](const auto& columns, std::vector<Value> row) -> Result<void> {
                                    found.columns = columns;
                                    found.rows.push_back(std::move(row));
                                    return {};
                                })));
    return found;
}

} // namespace respawn::database
