#include "vault/merged_index.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace respawn::vault {

static_assert(std::endian::native == std::endian::little, "the merged index is mapped as it lies");

namespace {

constexpr char magic[8] = { 'R', 'S', 'P', 'M', 0, 0, 0, 0 };
constexpr std::size_t portion = 1 << 19; // rows held back before they are merged: 16 MiB

struct Head {
    std::array<char, 32> checksum{}; // HMAC of all that follows it
    std::array<char, 8> magic{};
    std::uint64_t rows = 0, packs = 0, files = 0;
    auto sizes_fit(std::size_t size) const {
        constexpr std::uint64_t most = std::uint64_t{ 1 } << 40;
        return rows < most && packs < most && files < most &&
               sizeof(Head) + rows * sizeof(IndexRow) + packs * sizeof(PackRow) + files * 16 == size;
    }
};
static_assert(sizeof(Head) == 64);

template <class Item> std::string_view bytes_of(std::span<const Item> items) {
    return { reinterpret_cast<const char*>(items.data()), items.size_bytes() };
}

Error unusable(const io::Path& file) {
    return damaged(fmt::format("the cached index {} is damaged", file.string()));
}

} // namespace

struct MergedIndex::Mapping {
    const char* bytes = nullptr;
    std::size_t size = 0;
    ~Mapping() {
        if (bytes)
            ::munmap(const_cast<char*>(bytes), size);
    }
    std::string_view view() const { return { bytes, size }; }
};

namespace {

// The checksum is computed over the mapped bytes once the counts are in place.
std::string checksum_of(std::string_view file, const crypto::Key& key) {
    return crypto::hmac_sha256(key, file.substr(sizeof(Head::checksum)));
}

} // namespace

MergedIndex::MergedIndex() = default;

Result<MergedIndex> MergedIndex::open(const io::Path& file, const crypto::Key& key) {
    const auto opened = TRY(io::open_to_read(file));
    struct stat status {};
    if (::fstat(opened.number(), &status) != 0)
        return io::system_error("look at", file, errno);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size < sizeof(Head))
        return unusable(file);
    auto mapping = std::make_shared<Mapping>();
    auto* bytes = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, opened.number(), 0);
    if (bytes == MAP_FAILED)
        return io::system_error("map", file, errno);
    mapping->bytes = static_cast<const char*>(bytes);
    mapping->size = size;
    Head head;
    std::memcpy(&head, mapping->bytes, sizeof head);
    if (std::memcmp(head.magic.data(), magic, sizeof magic) != 0 || !head.sizes_fit(size) ||
        checksum_of(mapping->view(), key) != std::string_view(head.checksum.data(), 32))
        return unusable(file);
    MergedIndex index;
    const auto* at = mapping->bytes + sizeof head;
    index.rows_ = { reinterpret_cast<const IndexRow*>(at), head.rows };
    at += index.rows_.size_bytes();
    index.packs_ = { reinterpret_cast<const PackRow*>(at), head.packs };
    at += index.packs_.size_bytes();
    index.files_ = { reinterpret_cast<const std::array<char, 16>*>(at), head.files };
    index.mapping_ = std::move(mapping);
    return index;
}

std::span<const IndexRow> MergedIndex::find(const ChunkId& id) const {
    const auto below = [](const IndexRow& row, const ChunkId& wanted) { return row.id < wanted; };
    const auto above = [](const ChunkId& wanted, const IndexRow& row) { return wanted < row.id; };
    const auto first = std::lower_bound(rows_.begin(), rows_.end(), id, below);
    return { first, std::upper_bound(first, rows_.end(), id, above) };
}

IndexMerge::IndexMerge(io::Path file, crypto::Key key, MergedIndex onto)
    : file_(std::move(file)), key_(key), base_(std::move(onto)),
      packs_(base_.packs().begin(), base_.packs().end()),
      files_(base_.files().begin(), base_.files().end()) {
    for (std::uint32_t number = 0; number < packs_.size(); ++number)
        numbers_.emplace(packs_[number].id, number);
}

std::uint32_t IndexMerge::number_of(const PackRecord& pack) {
    const auto [found, added] = numbers_.emplace(pack.id, packs_.size());
    if (added) {
        PackRow row{ .id = pack.id, .size = pack.size };
        pack.sha256.copy(reinterpret_cast<char*>(row.sha256.data()), row.sha256.size());
        packs_.push_back(row);
    }
    return found->second;
}

Result<void> IndexMerge::add(std::string_view id, const std::vector<PackRecord>& packs) {
    for (const auto& pack : packs) {
        const auto number = number_of(pack);
        for (const auto& entry : pack.entries)
            rows_.push_back({ entry.id, number, entry.offset, entry.length, entry.flags });
    }
    std::array<char, 16> file{};
    id.copy(file.data(), file.size());
    files_.push_back(file);
    return rows_.size() >= portion ? flush() : Result<void>();
}

namespace {

// Writes rows through a buffer, each once.
class RowWriter {
  public:
    RowWriter(int file, const io::Path& path) : file_(file), path_(path) { rows_.reserve(held); }
    Result<void> add(const IndexRow& row) {
        if (count_ > 0 && row == last_)
            return {};
        last_ = row;
        ++count_;
        rows_.push_back(row);
        return rows_.size() == held ? flush() : Result<void>();
    }
    Result<void> flush() {
        auto written = io::write_fully(file_, bytes_of(std::span<const IndexRow>(rows_)), path_);
        rows_.clear();
        return written;
    }
    std::uint64_t count() const { return count_; }

  private:
    static constexpr std::size_t held = 8192;
    int file_;
    const io::Path& path_;
    std::vector<IndexRow> rows_;
    IndexRow last_;
    std::uint64_t count_ = 0;
};

Result<std::uint64_t> merge_rows(std::span<const IndexRow> a, std::span<const IndexRow> b, int file,
                                 const io::Path& path) {
    RowWriter writer(file, path);
    auto left = a.begin();
    for (const auto& row : b) {
        for (; left != a.end() && *left < row; ++left)
            TRY(writer.add(*left));
        TRY(writer.add(row));
    }
    for (; left != a.end(); ++left)
        TRY(writer.add(*left));
    TRY(writer.flush());
    return writer.count();
}

Result<void> write_head(int file, Head head, const crypto::Key& key, const io::Path& path) {
    std::memcpy(head.magic.data(), magic, sizeof magic);
    const auto size = ::lseek(file, 0, SEEK_END);
    const auto place = [&]() -> Result<void> {
        const std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
        if (size < 0 || ::lseek(file, 0, SEEK_SET) != 0)
            return io::system_error("write", path, errno);
        return io::write_fully(file, bytes, path);
    };
    TRY(place());
    auto* bytes = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return io::system_error("map", path, errno);
    const auto checksum =
        checksum_of({ static_cast<const char*>(bytes), static_cast<std::size_t>(size) }, key);
    ::munmap(bytes, static_cast<std::size_t>(size));
    checksum.copy(head.checksum.data(), head.checksum.size());
    return place();
}

} // namespace

// Not synced: after a power cut the checksum tells, and the file is made anew.
Result<void> IndexMerge::flush() {
    std::ranges::sort(rows_);
    std::ranges::sort(files_);
    const auto building = io::Path(file_).concat(".building");
    ::unlink(building.c_str());
    const auto file = TRY(io::open_new(building));
    TRY(io::write_fully(file.number(), std::string(sizeof(Head), '\0'), building));
    Head head{ .packs = packs_.size(), .files = files_.size() };
    head.rows = TRY(merge_rows(base_.rows(), rows_, file.number(), building));
    TRY(io::write_fully(file.number(), bytes_of(std::span<const PackRow>(packs_)), building));
    TRY(io::write_fully(file.number(), bytes_of(std::span<const std::array<char, 16>>(files_)),
                        building));
    TRY(write_head(file.number(), head, key_, building));
    if (::rename(building.c_str(), file_.c_str()) != 0)
        return io::system_error("rename to", file_, errno);
    base_ = TRY(MergedIndex::open(file_, key_));
    rows_.clear();
    return {};
}

Result<MergedIndex> IndexMerge::finish() {
    TRY(flush());
    return base_;
}

} // namespace respawn::vault
