#include "database/sqlite_file_system.h"

#include <algorithm>
#include <cstring>
#include <sqlite3.h>

namespace respawn::database {

namespace {

constexpr const char* file_system = "respawn-virtual";

thread_local VirtualFile* being_opened = nullptr;

struct OpenFile {
    sqlite3_file base; // first: SQLite knows this part
    VirtualFile* file;
};

VirtualFile& file_of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file)->file; }

int close_file(sqlite3_file*) { return SQLITE_OK; }

// Pages taken in WAL mode have the WAL in them already: the header must not ask for one.
void say_no_wal(char* bytes, std::size_t size, std::uint64_t offset) {
    for (const std::uint64_t at : { 18, 19 })
        if (at >= offset && at < offset + size && bytes[at - offset] == 2)
            bytes[at - offset] = 1;
}

int read_file(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
    auto& bytes = file_of(file);
    const auto at = static_cast<std::uint64_t>(offset);
    const auto wanted = static_cast<std::size_t>(amount);
    const auto size = bytes.size();
    const auto there = at >= size ? 0 : std::min<std::uint64_t>(wanted, size - at);
    auto* out = static_cast<char*>(buffer);
    if (there > 0 && !bytes.read(out, there, at))
        return SQLITE_IOERR_READ;
    say_no_wal(out, there, at);
    std::memset(out + there, 0, wanted - there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    if (!file_of(file).may_be_written())
        return SQLITE_READONLY;
    const bool written =
        file_of(file).write(static_cast<const char*>(bytes), static_cast<std::size_t>(size),
                            static_cast<std::uint64_t>(offset));
    return written ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    if (!file_of(file).may_be_written())
        return SQLITE_READONLY;
    return file_of(file).truncate(static_cast<std::uint64_t>(size)) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int tell_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(file_of(file).size());
    return SQLITE_OK;
}

int tell_no_lock(sqlite3_file*, int* locked) {
    *locked = 0;
    return SQLITE_OK;
}

int do_nothing(sqlite3_file*, int) { return SQLITE_OK; }
int know_no_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int tell_sector(sqlite3_file*) { return 4096; }

int tell_characteristics(sqlite3_file* file) {
    return file_of(file).may_be_written() ? 0 : SQLITE_IOCAP_IMMUTABLE;
}

constexpr sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = do_nothing,
    .xFileSize = tell_size,
    .xLock = do_nothing,
    .xUnlock = do_nothing,
    .xCheckReservedLock = tell_no_lock,
    .xFileControl = know_no_control,
    .xSectorSize = tell_sector,
    .xDeviceCharacteristics = tell_characteristics,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int, int* flags) {
    file->pMethods = nullptr;
    if (!name || !being_opened) // a journal or a temporary file: everything stays in memory
        return SQLITE_CANTOPEN;
    reinterpret_cast<OpenFile*>(file)->file = being_opened;
    file->pMethods = &methods;
    const auto access = being_opened->may_be_written() ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (flags)
        *flags = access | SQLITE_OPEN_MAIN_DB;
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

} // namespace

// Where SQLite refuses to take it, nothing can be opened by its name.
const char* virtual_files() {
    static sqlite3_vfs vfs = { .iVersion = 1,
                               .szOsFile = sizeof(OpenFile),
                               .mxPathname = 4096,
                               .zName = file_system,
                               .xOpen = open_file,
                               .xDelete = refuse_removal,
                               .xAccess = know_no_file,
                               .xFullPathname = same_name,
                               .xRandomness = random_bytes,
                               .xSleep = wait,
                               .xCurrentTime = present_time,
                               .xGetLastError = no_error };
    static const int done = sqlite3_vfs_register(&vfs, 0);
    static_cast<void>(done);
    return file_system;
}

OpeningVirtualFile::OpeningVirtualFile(VirtualFile& file) { being_opened = &file; }
OpeningVirtualFile::~OpeningVirtualFile() { being_opened = nullptr; }

} // namespace respawn::database
