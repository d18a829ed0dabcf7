#include "database/sqlite_overlay.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace respawn::database {

namespace {

// Gone with its descriptor.
Result<io::Descriptor> open_unnamed(const io::Path& folder) {
    auto name = (folder / "changed-XXXXXX").string();
    io::Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
    if (!file.open() || ::unlink(name.c_str()) != 0)
        return io::system_error("make", name, errno);
    return file;
}

bool write_whole(int file, const char* from, std::size_t size, std::uint64_t offset) {
    while (size > 0) {
        const auto written = ::pwrite(file, from, size, static_cast<off_t>(offset));
        if (written < 0 && errno != EINTR)
            return false;
        const auto taken = static_cast<std::size_t>(std::max<ssize_t>(written, 0));
        from += taken, offset += taken, size -= taken;
    }
    return true;
}

} // namespace

// A page that was written lies at its own place in a file with holes.
class SqliteOverlay::Pages final : public VirtualFile {
  public:
    Pages(SqliteHandle shown, io::Descriptor own, io::Path name)
        : shown_(std::move(shown)), own_(std::move(own)), name_(std::move(name)) {}
    Result<void> begin() {
        source_ = TRY(PageSource::begin(shown_));
        size_ = source_->bytes();
        return {};
    }

    std::uint64_t size() const override { return size_; }
    bool may_be_written() const override { return true; }
    bool read(char* to, std::size_t size, std::uint64_t offset) override;
    bool write(const char* from, std::size_t size, std::uint64_t offset) override;
    bool truncate(std::uint64_t size) override;

  private:
    std::size_t page_size() const { return source_->page_size(); }
    bool is_own(std::uint64_t page) const {
        return page >= source_->pages() || (page < is_own_.size() && is_own_[page]);
    }
    void make_own(std::uint64_t from, std::uint64_t to);
    Result<std::string> page(std::uint64_t number) const;

    SqliteHandle shown_;
    std::optional<PageSource> source_;
    io::Descriptor own_;
    io::Path name_;
    std::uint64_t size_ = 0;
    std::vector<bool> is_own_; // by page; those behind the live ones are
};

void SqliteOverlay::Pages::make_own(std::uint64_t from, std::uint64_t to) {
    if (is_own_.size() < to)
        is_own_.resize(to);
    std::fill(is_own_.begin() + static_cast<std::ptrdiff_t>(from),
              is_own_.begin() + static_cast<std::ptrdiff_t>(to), true);
}

Result<std::string> SqliteOverlay::Pages::page(std::uint64_t number) const {
    if (!is_own(number))
        return source_->read(static_cast<std::uint32_t>(number + 1), 1);
    auto bytes = TRY(io::read_at(own_.number(), number * page_size(), page_size(), name_));
    bytes.resize(page_size());
    return bytes;
}

bool SqliteOverlay::Pages::read(char* to, std::size_t size, std::uint64_t offset) {
    while (size > 0) {
        const auto within = offset % page_size();
        const auto taken = std::min<std::uint64_t>(size, page_size() - within);
        const auto bytes = page(offset / page_size());
        if (!bytes.ok() || bytes.value().size() != page_size())
            return false;
        std::memcpy(to, bytes.value().data() + within, taken);
        to += taken, offset += taken, size -= taken;
    }
    return true;
}

// SQLite writes whole pages.
bool SqliteOverlay::Pages::write(const char* from, std::size_t size, std::uint64_t offset) {
    if (offset % page_size() != 0 || size % page_size() != 0 ||
        !write_whole(own_.number(), from, size, offset))
        return false;
    make_own(offset / page_size(), (offset + size) / page_size());
    size_ = std::max(size_, offset + size);
    return true;
}

// What comes behind the end again is new, whatever was there.
bool SqliteOverlay::Pages::truncate(std::uint64_t size) {
    if (::ftruncate(own_.number(), static_cast<off_t>(size)) != 0)
        return false;
    make_own(size / page_size(), std::max<std::uint64_t>(size / page_size(), source_->pages()));
    size_ = size;
    return true;
}

SqliteOverlay::SqliteOverlay(std::unique_ptr<Pages> pages, SqliteConnection connection)
    : pages_(std::move(pages)), connection_(std::move(connection)) {}
SqliteOverlay::SqliteOverlay(SqliteOverlay&&) noexcept = default;
SqliteOverlay& SqliteOverlay::operator=(SqliteOverlay&&) noexcept = default;
SqliteOverlay::~SqliteOverlay() = default;

Result<SqliteOverlay> SqliteOverlay::open(const io::Path& live, const io::Path& scratch) {
    auto own = TRY(open_unnamed(scratch));
    auto pages = std::make_unique<Pages>(
        TRY(SqliteHandle::open(live, SqliteHandle::Access::read_only, {})), std::move(own), scratch);
    TRY(pages->begin());
    auto connection = TRY(SqliteConnection::open_virtual(*pages, live));
    TRY(connection.run_script("pragma journal_mode = memory; pragma temp_store = memory; "
                              "pragma synchronous = off; pragma foreign_keys = on;"));
    return SqliteOverlay(std::move(pages), std::move(connection));
}

} // namespace respawn::database
