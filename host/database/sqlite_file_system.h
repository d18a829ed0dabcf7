// Databases that SQLite opens and that are no files of the system: a virtual file system
// (sqlite.org/vfs.html) with one kind of file, without locks, journals or temporary files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace respawn::database {

// Called from the thread that runs the statement. What fails is "disk I/O error" to SQLite: the owner
// keeps the reason.
class VirtualFile {
  public:
    virtual ~VirtualFile() = default;
    virtual std::uint64_t size() const = 0;
    virtual bool read(char* to, std::size_t size, std::uint64_t offset) = 0; // within size()
    virtual bool may_be_written() const { return false; }
    virtual bool write(const char*, std::size_t, std::uint64_t) { return false; }
    virtual bool truncate(std::uint64_t) { return false; }
};

// Its name for SQLite.
const char* virtual_files();

// While this lives, the database that this thread opens in virtual_files() is the file, which outlives
// the connection. SQLite opens it before sqlite3_open_v2 returns, but an attached one when it is first
// read.
class OpeningVirtualFile {
  public:
    explicit OpeningVirtualFile(VirtualFile& file);
    OpeningVirtualFile(const OpeningVirtualFile&) = delete;
    OpeningVirtualFile& operator=(const OpeningVirtualFile&) = delete;
    ~OpeningVirtualFile();
};

} // namespace respawn::database
