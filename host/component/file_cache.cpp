#include "component/file_cache.h"

#include "base/bytes.h"
#include "component/metadata.h"
#include "crypto/crypto.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::string_view magic = "respawn file cache 1\n";
constexpr std::size_t largest_record = 1 << 20;
constexpr std::size_t check_size = 8;

// Sorts as the walk goes: what is below a folder before its next sibling.
std::string key_of(const io::Path& path) {
    auto key = path.string();
    std::replace(key.begin(), key.end(), '/', '\0');
    return key;
}

struct Record {
    std::string key;
    std::uint64_t inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0;
    StoredFile stored;
};

std::string bytes_of(const Record& record) {
    ByteWriter out;
    out.text(record.key).u64(record.inode).u64(record.size).i64(record.modified).i64(record.changed);
    const auto& content = record.stored.content;
    out.u64(content.size).u8(content.depth);
    out.raw({ reinterpret_cast<const char*>(content.root.bytes.data()), content.root.bytes.size() });
    out.u32(static_cast<std::uint32_t>(record.stored.extents.size()));
    for (const auto& [offset, length] : record.stored.extents)
        out.u64(offset).u64(length);
    return out.take();
}

Result<Record> parse(std::string_view bytes) {
    ByteReader in(bytes);
    Record record;
    record.key = TRY(in.text());
    record.inode = TRY(in.u64());
    record.size = TRY(in.u64());
    record.modified = TRY(in.i64());
    record.changed = TRY(in.i64());
    record.stored.content.size = TRY(in.u64());
    record.stored.content.depth = TRY(in.u8());
    const auto root = TRY(in.raw(record.stored.content.root.bytes.size()));
    std::memcpy(record.stored.content.root.bytes.data(), root.data(), root.size());
    const auto extents = TRY(in.u32());
    for (std::uint32_t i = 0; i < extents; ++i) {
        const auto offset = TRY(in.u64());
        record.stored.extents.emplace_back(offset, TRY(in.u64()));
    }
    TRY(in.must_be_at_end());
    return record;
}

std::string check_of(std::string_view bytes) { return crypto::sha256(bytes).substr(0, check_size); }

// Small reads out of large ones.
class Buffered {
  public:
    explicit Buffered(io::FileSource file) : file_(std::move(file)) {}
    // Empty when fewer are left, or the file cannot be read.
    std::string take(std::size_t size) {
        while (rest_.size() - at_ < size) {
            std::string more(256 * 1024, '\0');
            const auto got = file_.read(more.data(), more.size());
            if (!got.ok() || got.value() == 0)
                return {};
            rest_.erase(0, at_);
            at_ = 0;
            rest_.append(more, 0, got.value());
        }
        at_ += size;
        return rest_.substr(at_ - size, size);
    }

  private:
    io::FileSource file_;
    std::string rest_;
    std::size_t at_ = 0;
};

} // namespace

struct FileCache::State {
    io::Path path, fresh_path;
    std::int64_t newest = 0; // nanoseconds
    std::optional<Buffered> old;
    std::optional<Record> next;
    io::Descriptor fresh;
    std::string pending;

    void open_old() {
        auto file = io::FileSource::open(path);
        if (!file.ok())
            return;
        old.emplace(std::move(file).value());
        if (old->take(magic.size()) != magic)
            old.reset();
        advance();
    }

    // Anything that is not right ends the old cache: what follows is read again.
    void advance() {
        next.reset();
        const auto head = old ? old->take(4) : std::string();
        const auto size = head.empty() ? 0 : ByteReader(head).u32().value();
        const auto body = size > 0 && size <= largest_record ? old->take(size) : std::string();
        const auto check = body.empty() ? std::string() : old->take(check_size);
        auto record = parse(body);
        if (!check.empty() && check == check_of(body) && record.ok())
            next = std::move(record).value();
        else
            old.reset();
    }
};

FileCache::FileCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
FileCache::FileCache(FileCache&&) noexcept = default;
FileCache::~FileCache() = default;

Result<FileCache> FileCache::open(const io::Path& state, Moment begun) {
    auto own = std::make_unique<State>();
    own->path = state / "files.cache";
    own->fresh_path = state / "files.cache.new";
    own->newest = (begun.microseconds - 2'000'000) * 1000;
    TRY(io::make_folder(state));
    ::unlink(own->fresh_path.c_str()); // of a killed backup
    own->fresh = TRY(io::open_new(own->fresh_path));
    own->pending = magic;
    own->open_old();
    return FileCache(std::move(own));
}

FileCache FileCache::look(const io::Path& state) {
    auto own = std::make_unique<State>();
    own->path = state / "files.cache";
    own->open_old();
    return FileCache(std::move(own));
}

std::optional<StoredFile> FileCache::find(const io::Path& path, const struct stat& status) {
    const auto key = key_of(path);
    while (state_->next && state_->next->key < key)
        state_->advance();
    const auto& record = state_->next;
    if (!record || record->key != key || record->inode != status.st_ino ||
        record->size != static_cast<std::uint64_t>(status.st_size) ||
        record->modified != nanoseconds(status.st_mtim) ||
        record->changed != nanoseconds(status.st_ctim))
        return {};
    return record->stored;
}

Result<void> FileCache::add(const io::Path& path, const struct stat& status, const StoredFile& stored) {
    const auto modified = nanoseconds(status.st_mtim), changed = nanoseconds(status.st_ctim);
    if (modified >= state_->newest || changed >= state_->newest)
        return {};
    const auto body =
        bytes_of({ key_of(path), status.st_ino, static_cast<std::uint64_t>(status.st_size), modified,
                   changed, stored });
    if (body.size() > largest_record)
        return {};
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(body.size())).raw(body).raw(check_of(body));
    state_->pending += out.bytes();
    if (state_->pending.size() < 256 * 1024)
        return {};
    return io::write_fully(state_->fresh.number(), std::exchange(state_->pending, {}),
                           state_->fresh_path);
}

Result<void> FileCache::finish() {
    TRY(io::write_fully(state_->fresh.number(), std::exchange(state_->pending, {}),
                        state_->fresh_path));
    TRY(io::sync_file(state_->fresh.number(), state_->fresh_path));
    return io::rename_durably(state_->fresh_path, state_->path);
}

} // namespace respawn::component
