// One SQLite connection, opened so that the file is trusted as little as possible (no functions from
// its schema, no writes to shadow tables), and that a cancellation ends long statements.
#pragma once

#include "base/cancel.h"
#include "base/time.h"
#include "io/file.h"

#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace respawn::database {

// How long a connection waits for another process's lock.
struct LockPatience {
    Duration longest = std::chrono::seconds(30);
    const Cancellation* cancel = nullptr;
};

class SqliteHandle;

// A prepared statement. Stepping past the last row gives false.
class SqliteStatement {
  public:
    Result<bool> step();
    SqliteStatement& bind(int position, std::string_view text);
    int columns() const;
    int type(int column) const; // SQLITE_INTEGER, SQLITE_FLOAT, …
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string_view text(int column) const; // as UTF-8; valid until the next step
    std::string_view blob(int column) const;

  private:
    friend class SqliteHandle;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    SqliteStatement(sqlite3_stmt* statement, const SqliteHandle* owner)
        : statement_(statement), owner_(owner) {}
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    const SqliteHandle* owner_;
};

class SqliteHandle {
  public:
    enum class Access {
        read_only,
        read_write, // never creates
        create,
        still, // read only, without locks and WAL: while nobody writes, all there is stands in the file
        own,   // a private copy, only read, without shared memory. Not "read only" to SQLite, which
               // leaves CHECK rules out of integrity_check then
    };
    static Result<SqliteHandle> open(const io::Path& path, Access access, const LockPatience& patience);
    SqliteHandle(SqliteHandle&&) noexcept;
    ~SqliteHandle();

    Result<void> run(const char* sql) const; // one statement, its rows left unread
    Result<SqliteStatement> prepare(std::string_view sql) const;
    // The first column of the first row.
    Result<std::int64_t> number(std::string_view sql) const;
    Result<std::string> text(std::string_view sql) const;

    // The database file's own bytes, past SQLite's cache and the WAL, through the connection's own
    // descriptor: opening and closing the file by itself would drop this process's locks on it.
    Result<std::string> read_raw(std::uint64_t offset, std::size_t size) const;
    Result<std::uint64_t> raw_size() const;
    // Locks of the file itself, also where its bytes are no database; let go with the handle. Nobody
    // writes the file during a shared one; it is waited for as long as the patience lasts.
    Result<void> lock_shared() const;
    // Nobody else has a connection that is doing anything (in WAL mode: none at all) during an
    // exclusive one. Not waited for: false when others stand in the way. Takes a handle that may write.
    Result<bool> lock_exclusive() const;
    // True while a connection prepares to write in rollback-journal mode.
    Result<bool> has_writer() const;
    // What the WAL's shared index says of its end (salts, frames, last checksum). Only for a
    // connection that has read in WAL mode: elsewhere asking would make the index.
    std::string wal_end() const;

    sqlite3* get() const;
    const io::Path& path() const;
    Error error(int code) const; // for a code that SQLite returned
    bool cancelled() const;

  private:
    struct State;
    explicit SqliteHandle(std::unique_ptr<State> state);
    sqlite3_file* file() const;
    std::unique_ptr<State> state_;
};

} // namespace respawn::database
