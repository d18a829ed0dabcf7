#include "component/sqlite_image.h"

#include "base/bytes.h"
#include "base/text.h"

#include <algorithm>
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

Result<Image> take_live(const SqliteHandle& source, const ImageRequest& request) {
    TRY(source.number("SELECT count(*) FROM main.sqlite_schema")); // opens the WAL
    const auto before = TRY(sign(source, true));
    auto pages = TRY(PageSource::begin(source));
    const auto after = TRY(sign(source, true));
    // The transaction began between the two: when they are the same, it shows what they sign.
    Image image{ .signature = before == after ? after : Signature() };
    if (!image.signature.empty() && request.already_known && request.already_known(image.signature))
        return image;
    ImageView view(source, std::move(pages), request);
    TRY(request.take(view));
    image.taken = true;
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

Error opened_meanwhile() { return { .kind = Kind::moved, .why = "the database was opened meanwhile" }; }

// All there is stands in the file: read where it lies. Who opens it in WAL mode now and writes is not
// kept from it by a lock, but leaves traces beside the file.
Result<void> take_in_place(const SqliteHandle& source, const ImageRequest& request) {
    const auto before = all_stats(source.path());
    TRY(source.lock_shared());
    const auto shown =
        TRY(SqliteHandle::open(source.path(), SqliteHandle::Access::still, request.patience));
    ImageView view(shown, TRY(PageSource::open(shown, {})));
    auto taken = request.take(view);
    return all_stats(source.path()) == before ? std::move(taken) : opened_meanwhile();
}

Result<void> take_copy(const SqliteHandle& source, const ImageRequest& request) {
    TRY(copy_at_rest(source, request.copy, request.patience));
    const auto copy =
        TRY(SqliteHandle::open(request.copy, SqliteHandle::Access::own, request.patience));
    ImageView view(copy, TRY(PageSource::open(copy, {})));
    return request.take(view);
}

Result<Image> take_at_rest(const SqliteHandle& source, const ImageRequest& request) {
    Image image{ .signature = TRY(sign(source, false)) };
    if (request.already_known && request.already_known(image.signature))
        return image;
    const bool all_in_file =
        size_of(beside(source.path(), "-wal")) == 0 && !TRY(has_hot_journal(source));
    TRY(all_in_file ? take_in_place(source, request) : take_copy(source, request));
    image.taken = true;
    return image;
}

void remove_image(const io::Path& image) {
    for (const auto& file : files_of(image))
        ::unlink(file.c_str());
}

} // namespace

// Without a WAL, a writer that prepares a commit has to wait for this transaction.
Result<bool> ImageView::holds_up_writers(std::uint32_t first) const {
    const auto rest = pages_.bytes() - std::uint64_t{ first - 1 } * page_size();
    return request_ && !copy_ && !pages_.has_wal() && rest > request_->short_rest &&
           TRY(shown_->has_writer());
}

// All pages, so that the copy is a database that can be asked.
Result<void> ImageView::move_to_copy() {
    const auto file = TRY(io::open_new(request_->copy));
    const auto each = std::max(1U, (1U << 20) / page_size());
    for (std::uint64_t first = 1; first <= pages(); first += each) {
        if (shown_->cancelled())
            return shown_->error(SQLITE_INTERRUPT);
        const auto bytes = TRY(pages_.read(static_cast<std::uint32_t>(first), each));
        TRY(io::write_fully(file.number(), bytes, request_->copy));
    }
    TRY(shown_->run("ROLLBACK"));
    copy_.emplace(
        TRY(SqliteHandle::open(request_->copy, SqliteHandle::Access::own, request_->patience)));
    pages_ = TRY(PageSource::open(*copy_, {}));
    return {};
}

Result<std::string> ImageView::read(std::uint32_t first, std::uint32_t count) {
    if (first > 0 && TRY(holds_up_writers(first))) {
        // Without room for a copy the writers wait.
        const auto fits = must_fit(*shown_, request_->copy);
        if (fits.ok())
            TRY(move_to_copy());
        else if (fits.error().kind != Kind::no_space)
            return fits.error();
    }
    return pages_.read(first, count);
}

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

Result<void> copy_at_rest(const SqliteHandle& source, const io::Path& image,
                          const LockPatience& patience) {
    TRY(must_fit(source, image));
    const auto before = all_stats(source.path());
    TRY(source.lock_shared());
    TRY(copy_raw(source, image));
    for (const char* suffix : { "-wal", "-journal" })
        TRY(copy_if_there(beside(source.path(), suffix), beside(image, suffix)));
    if (all_stats(source.path()) != before)
        return opened_meanwhile();
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
        remove_image(request.copy);
    }
}

} // namespace respawn::component
