#include "io/create_same.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"

namespace respawn::io {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.release();
    }
    return *this;
}

int Descriptor::release() { return std::exchange(number_, -1); }

void Descriptor::close() {
    if (number_ >= 0)
        ::close(release());
}

namespace {

Kind kind_of(int number) {
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return Kind::missing;
    case EEXIST:
    case ENOTEMPTY:
        return Kind::conflict;
    case EACCES:
    case EPERM:
    case EROFS:
        return Kind::denied;
    case ENOSPC:
    case EDQUOT:
        return Kind::no_space;
    default:
        return Kind::io;
    }
}

Path folder_of(const Path& path) { return path.has_parent_path() ? path.parent_path() : Path("."); }

// A name beside `path` that nobody else uses; leading dot, so that listings of complete files skip it.
Path name_beside(const Path& path) {
    std::string bytes(8, '\0');
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        std::abort();
    return folder_of(path) / fmt::format(".{}.{}.new", path.filename().string(), to_hex(bytes));
}

// Large files lie in one piece, and a full disk is found before anything is written. Not every file
// system can.
Result<void> set_space_aside(int descriptor, std::uint64_t bytes, const Path& path) {
    constexpr std::uint64_t worth_it = 1 << 20;
    if (bytes < worth_it ||
        ::fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0)
        return {};
    return errno == ENOSPC || errno == EDQUOT ? system_error("write", path, errno) : Result<void>();
}

Result<void> fill(int descriptor, Source& bytes, const Path& path) {
    TRY(set_space_aside(descriptor, bytes.rest(), path));
    std::string buffer(256 * 1024, '\0');
    for (;;) {
        const auto taken = TRY(bytes.read(buffer.data(), buffer.size()));
        if (taken == 0)
            return sync_file(descriptor, path);
        TRY(write_fully(descriptor, std::string_view(buffer).substr(0, taken), path));
    }
}

// Writes `bytes` durably to a new file beside `path`; the caller gives it its name. Nothing is left
// behind when it fails.
Result<Path> write_beside(const Path& path, Source& bytes, mode_t mode) {
    const auto beside = name_beside(path);
    auto file = TRY(open_new(beside, mode));
    const auto filled = fill(file.number(), bytes, path);
    if (!filled.ok()) {
        unlink(beside.c_str());
        return filled.error();
    }
    return beside;
}

} // namespace

Error system_error(std::string_view action, const Path& path, int number) {
    Error error{ .kind = kind_of(number),
                 .why = fmt::format("could not {} {}: {}", action, printable(path.string()),
                                    std::strerror(number)) };
    if (error.kind == Kind::no_space)
        error.fix = "free some space there, then run the same command again";
    return error;
}

Result<Descriptor> open_to_read(const Path& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open())
        return system_error("open", path, errno);
    return file;
}

Result<Descriptor> open_new(const Path& path, mode_t mode) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file.open())
        return system_error("create", path, errno);
    return file;
}

Result<void> write_fully(int descriptor, std::string_view bytes, const Path& path) {
    while (!bytes.empty()) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return system_error("write", path, errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> read_at(int descriptor, std::uint64_t offset, std::size_t size, const Path& path) {
    std::string bytes(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
        const auto taken = ::pread(descriptor, bytes.data() + filled, size - filled,
                                   static_cast<off_t>(offset + filled));
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return system_error("read", path, errno);
        if (taken == 0)
            break;
        filled += static_cast<std::size_t>(taken);
    }
    bytes.resize(filled);
    return bytes;
}

Result<void> sync_file(int descriptor, const Path& path) {
    if (::fsync(descriptor) != 0)
        return system_error("make durable", path, errno);
    return {};
}

Result<void> sync_folder(const Path& folder) {
    const auto open_folder = TRY(open_to_read(folder.empty() ? Path(".") : folder));
    return sync_file(open_folder.number(), folder);
}

Result<void> make_folder(const Path& path, mode_t mode) {
    if (path.empty() || std::filesystem::is_directory(path))
        return {};
    TRY(make_folder(path.parent_path(), mode));
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return system_error("create folder", path, errno);
    if (!std::filesystem::is_directory(path))
        return system_error("create folder", path, ENOTDIR);
    return sync_folder(folder_of(path));
}

namespace {

// Gives the file its name. Kind::conflict when that is taken.
Result<void> link_to(const Path& beside, const Path& path) {
    if (::link(beside.c_str(), path.c_str()) != 0)
        return system_error("create", path, errno);
    return {};
}

bool hold_the_same(const Path& one, const Path& other) {
    auto bytes = FileSource::open(one);
    const auto same = bytes.ok() ? holds(other, bytes.value()) : Result<bool>(false);
    return same.ok() && same.value();
}

} // namespace

Result<void> create_durably(const Path& path, Source& bytes, mode_t mode) {
    const auto beside = TRY(write_beside(path, bytes, mode));
    auto linked = link_to(beside, path);
    unlink(beside.c_str());
    TRY(std::move(linked));
    return sync_folder(folder_of(path));
}

Result<void> create_same_durably(const Path& path, Source& bytes, mode_t mode) {
    const auto beside = TRY(write_beside(path, bytes, mode));
    auto linked = link_to(beside, path);
    if (!linked.ok() && linked.error().kind == Kind::conflict && hold_the_same(beside, path))
        linked = {};
    unlink(beside.c_str());
    TRY(std::move(linked));
    return sync_folder(folder_of(path));
}

Result<bool> holds(const Path& path, Source& bytes) {
    constexpr std::size_t piece = 256 * 1024;
    auto there = TRY(FileSource::open(path));
    std::string one(piece, '\0'), other(piece, '\0');
    for (;;) {
        const auto size = TRY(read_fully(bytes, one.data(), piece));
        if (TRY(read_fully(there, other.data(), piece)) != size ||
            std::string_view(one).substr(0, size) != std::string_view(other).substr(0, size))
            return false;
        if (size < piece)
            return true;
    }
}

Result<void> create_durably(const Path& path, std::string_view bytes, mode_t mode) {
    TextSource source(bytes);
    return create_durably(path, source, mode);
}

Result<void> replace_durably(const Path& path, std::string_view bytes, mode_t mode) {
    TextSource source(bytes);
    const auto beside = TRY(write_beside(path, source, mode));
    auto renamed = rename_durably(beside, path);
    if (!renamed.ok())
        unlink(beside.c_str());
    return renamed;
}

Result<void> remove_durably(const Path& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT)
            return {};
        return system_error("remove", path, errno);
    }
    return sync_folder(folder_of(path));
}

Result<void> rename_durably(const Path& from, const Path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        return system_error("rename to", to, errno);
    TRY(sync_folder(folder_of(to)));
    if (folder_of(from) != folder_of(to))
        TRY(sync_folder(folder_of(from)));
    return {};
}

Result<std::string> read_file(const Path& path, std::size_t limit) {
    auto source = TRY(FileSource::open(path));
    return read_all(source, limit);
}

bool is_there(const Path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

Result<std::uint64_t> free_space(const Path& path) {
    auto place = std::filesystem::absolute(path);
    while (!is_there(place) && place.has_relative_path())
        place = place.parent_path();
    struct statvfs status {};
    if (::statvfs(place.c_str(), &status) != 0)
        return system_error("ask for free space of", place, errno);
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

Result<FileSource> FileSource::open(const Path& path) {
    return FileSource(TRY(open_to_read(path)), path);
}

Result<std::size_t> FileSource::read(char* buffer, std::size_t size) {
    for (;;) {
        const auto taken = ::read(descriptor_.number(), buffer, size);
        if (taken >= 0)
            return static_cast<std::size_t>(taken);
        if (errno != EINTR)
            return system_error("read", path_, errno);
    }
}

namespace {

Result<Descriptor> open_lock_file(const Path& path) {
    TRY(make_folder(path.parent_path()));
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.open())
        return system_error("open lock", path, errno);
    return file;
}

} // namespace

Result<std::optional<FileLock>> FileLock::try_lock(const Path& path) {
    auto file = TRY(open_lock_file(path));
    if (::flock(file.number(), LOCK_EX | LOCK_NB) == 0)
        return std::optional<FileLock>(FileLock(std::move(file)));
    if (errno == EWOULDBLOCK)
        return std::optional<FileLock>();
    return system_error("lock", path, errno);
}

Result<FileLock> FileLock::lock(const Path& path) {
    auto file = TRY(open_lock_file(path));
    while (::flock(file.number(), LOCK_EX) != 0)
        if (errno != EINTR)
            return system_error("lock", path, errno);
    return FileLock(std::move(file));
}

Result<TemporaryFolder> TemporaryFolder::make(const Path& parent) {
    const auto place = parent.empty() ? std::filesystem::temp_directory_path() : parent;
    TRY(make_folder(place));
    auto name = (place / "respawn-XXXXXX").string();
    if (!::mkdtemp(name.data()))
        return system_error("create a temporary folder in", place, errno);
    return TemporaryFolder(Path(name));
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored; // leftovers in a temporary folder hurt nobody
    if (!path_.empty())
        std::filesystem::remove_all(path_, ignored);
}

} // namespace respawn::io
