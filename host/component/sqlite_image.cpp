#include "component/sqlite_image.h"

#include "base/bytes.h"
#include "base/text.h"

#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::size_t header_size = 100;
constexpr std::uint64_t slack = 1 << 20; // what a file system needs besides the bytes

io::Path beside(const io::Path& database, std::string_view suffix) {
    return io::Path(database.string() + std::string(suffix));
}

std::string stat_of(const io::Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return "none";
    return fmt::format("{}:{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

// Not of a WAL: SQLite, run by root, gives it to the database's owner each time it opens it.
std::string status_change_of(const io::Path& path) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return fmt::format("{}.{}", status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

std::uint64_t size_of(const io::Path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// The first bytes of a WAL: its salts. It carries no locks, so it may be opened by itself.
std::string wal_start(const io::Path& database) {
    auto wal = io::open_to_read(beside(database, "-wal"));
    if (!wal.ok())
        return {};
    auto bytes = io::read_at(wal.value().number(), 0, 32, database);
    return bytes.ok() ? std::move(bytes).value() : std::string();
}

bool is_wal(std::string_view header) { return header.size() == header_size && header[18] == 2; }

// `in_use`: the connection has read, so that in WAL mode the shared index is mapped.
Result<Signature> sign(const SqliteHandle& source, bool in_use) {
    const auto header = TRY(source.read_raw(0, header_size));
    const auto end = in_use && is_wal(header) ? source.wal_end() : std::string();
    if (end == "being written")
        return Signature();
    ByteWriter out;
    out.text(stat_of(source.path())).text(status_change_of(source.path())).text(header);
    out.text(stat_of(beside(source.path(), "-wal"))).text(wal_start(source.path())).text(end);
    return out.take();
}

Result<void> must_fit(const SqliteHandle& source, const io::Path& image) {
    const auto needed = TRY(source.raw_size()) + size_of(beside(source.path(), "-wal")) + slack;
    const auto free = TRY(io::free_space(image));
    if (free >= needed)
        return {};
    return Error{ .kind = Kind::no_space,
                  .why = fmt::format("a copy of {} takes {}, and {} has {} free",
                                     printable(source.path().string()), human_size(needed),
                                     printable(image.parent_path().string()), human_size(free)),
                  .fix = "free some space there, or move `state:` to a larger disk" };
}

struct EndBackup {
    void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

Result<void> copy_pages(const SqliteHandle& source, const SqliteHandle& image,
                        const ImageRequest& request) {
    std::unique_ptr<sqlite3_backup, EndBackup> backup(
        sqlite3_backup_init(image.get(), "main", source.get(), "main"));
    if (!backup)
        return image.error(sqlite3_errcode(image.get()));
    const auto page_size = static_cast<std::uint64_t>(TRY(source.number("PRAGMA page_size")));
    for (int code = SQLITE_OK; code != SQLITE_DONE;) {
        if (source.cancelled())
            return source.error(SQLITE_INTERRUPT);
        code = sqlite3_backup_step(backup.get(), 1024);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            return (code & 0xff) == SQLITE_FULL ? image.error(code) : source.error(code);
        const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup.get()));
        const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup.get()));
        if (request.progress)
            request.progress((total - left) * page_size, total * page_size);
    }
    const int ended = sqlite3_backup_finish(backup.release());
    return ended == SQLITE_OK ? Result<void>() : Result<void>(image.error(ended));
}

// The backup API counts the copy as a change and raises the schema's number. The page image shall be
// the source's to the last byte, so these fields get back what the source's header says.
Result<void> put_back_header(const io::Path& image, std::string_view raw, std::int64_t schema_version) {
    const io::Descriptor file(::open(image.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.open())
        return io::system_error("open", image, errno);
    auto header = TRY(io::read_at(file.number(), 0, header_size, image));
    if (header.size() != header_size || raw.size() != header_size)
        return {};
    header.replace(24, 4, raw.substr(24, 4));
    header.replace(92, 8, raw.substr(92, 8));
    for (int i = 0; i < 4; ++i)
        header[40 + i] = static_cast<char>(schema_version >> (24 - 8 * i));
    if (::pwrite(file.number(), header.data(), header_size, 0) != static_cast<ssize_t>(header_size))
        return io::system_error("write", image, errno);
    return {};
}

// The connection is in a read transaction, so no page changes under it.
Result<void> copy_live(const SqliteHandle& source, const ImageRequest& request) {
    TRY(must_fit(source, request.image));
    const auto raw = TRY(source.read_raw(0, header_size));
    const auto schema_version = TRY(source.number("PRAGMA schema_version"));
    {
        const auto image =
            TRY(SqliteHandle::open(request.image, SqliteHandle::Access::create, request.patience));
        TRY(image.run("PRAGMA journal_mode = OFF"));
        TRY(image.run("PRAGMA synchronous = OFF")); // private: a crash throws it away
        TRY(copy_pages(source, image, request));
    }
    return put_back_header(request.image, raw, schema_version);
}

Result<Image> take_live(const SqliteHandle& source, const ImageRequest& request) {
    TRY(source.number("SELECT count(*) FROM main.sqlite_schema")); // opens the WAL
    const auto before = TRY(sign(source, true));
    TRY(source.run("BEGIN"));
    TRY(source.number("SELECT count(*) FROM main.sqlite_schema"));
    const auto after = TRY(sign(source, true));
    // The transaction began between the two: when they are the same, it shows what they sign.
    Image image{ .signature = before == after ? after : Signature() };
    if (!image.signature.empty() && request.already_known && request.already_known(image.signature))
        return image;
    TRY(copy_live(source, request));
    image.made = true;
    return image;
}

Result<void> copy_raw(const SqliteHandle& source, const io::Path& to) {
    const auto file = TRY(io::open_new(to));
    const auto size = TRY(source.raw_size());
    constexpr std::size_t piece = 1 << 20;
    for (std::uint64_t offset = 0; offset < size; offset += piece) {
        if (source.cancelled())
            return source.error(SQLITE_INTERRUPT);
        const auto bytes = TRY(source.read_raw(offset, piece));
        TRY(io::write_fully(file.number(), bytes, to));
    }
    return {};
}

Result<void> copy_if_there(const io::Path& from, const io::Path& to) {
    if (!io::is_there(from))
        return {};
    auto bytes = TRY(io::FileSource::open(from));
    const auto file = TRY(io::open_new(to));
    std::string buffer(1 << 20, '\0');
    while (const auto taken = TRY(bytes.read(buffer.data(), buffer.size())))
        TRY(io::write_fully(file.number(), std::string_view(buffer).substr(0, taken), to));
    return {};
}

std::string all_stats(const io::Path& database) {
    std::string all;
    for (const auto& file : files_of(database))
        all += stat_of(file) + "|";
    return all;
}

// A journal with something to roll back that no writer is at work on.
Result<bool> has_hot_journal(const SqliteHandle& source) {
    const auto journal = beside(source.path(), "-journal");
    if (size_of(journal) == 0)
        return false;
    const auto file = TRY(io::open_to_read(journal)); // carries no locks
    const auto first = TRY(io::read_at(file.number(), 0, 1, journal));
    const bool at_work = TRY(source.has_writer());
    return !first.empty() && first[0] != 0 && !at_work;
}

Result<Image> take_at_rest(const SqliteHandle& source, const ImageRequest& request) {
    const auto signature = TRY(sign(source, false));
    Image image{ .signature = signature };
    if (request.already_known && request.already_known(image.signature))
        return image;
    TRY(copy_at_rest(source, request.image, request.patience));
    image.made = true;
    return image;
}

void remove_image(const io::Path& image) {
    for (const auto& file : files_of(image))
        ::unlink(file.c_str());
}

} // namespace

std::vector<io::Path> files_of(const io::Path& database) {
    return { database, beside(database, "-wal"), beside(database, "-shm"),
             beside(database, "-journal") };
}

Result<bool> needs_recovery(const SqliteHandle& source) {
    const auto header = TRY(source.read_raw(0, header_size));
    if (is_wal(header))
        return !io::is_there(beside(source.path(), "-shm"));
    return has_hot_journal(source);
}

Result<void> copy_at_rest(const SqliteHandle& source, const io::Path& image, const Patience& patience) {
    TRY(must_fit(source, image));
    const auto before = all_stats(source.path());
    TRY(source.lock_shared());
    TRY(copy_raw(source, image));
    for (const char* suffix : { "-wal", "-journal" })
        TRY(copy_if_there(beside(source.path(), suffix), beside(image, suffix)));
    if (all_stats(source.path()) != before)
        return Error{ .kind = Kind::moved, .why = "the database was opened meanwhile" };
    const auto copy = TRY(SqliteHandle::open(image, SqliteHandle::Access::read_write, patience));
    TRY(copy.run("PRAGMA synchronous = OFF"));
    TRY(copy.number("SELECT count(*) FROM main.sqlite_schema")); // rolls back, or reads the WAL
    return copy.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

namespace {

Result<Image> take_once(const ImageRequest& request) {
    const auto open = [&] {
        return SqliteHandle::open(request.database, SqliteHandle::Access::read_only, request.patience);
    };
    { // a handle that holds raw locks serves for nothing else
        const auto resting = TRY(open());
        if (TRY(needs_recovery(resting)))
            return take_at_rest(resting, request);
    }
    const auto reading = TRY(open());
    return take_live(reading, request);
}

} // namespace

Result<Image> take_image(const ImageRequest& request) {
    constexpr int tries = 5;
    for (int i = 0;; ++i) {
        auto image = take_once(request);
        // Someone opened it between looking and copying: look again.
        if (image.ok() || image.error().kind != Kind::moved || i == tries)
            return image;
        remove_image(request.image);
    }
}

} // namespace respawn::component
