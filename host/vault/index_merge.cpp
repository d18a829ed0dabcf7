#include "vault/index_merge.h"

#include <algorithm>
#include <cerrno>
#include <queue>
#include <unistd.h>

namespace respawn::vault {

namespace {

constexpr std::size_t portion = 1 << 19; // rows in memory before they are put aside: 16 MiB

template <class Item> std::string_view bytes_of(std::span<const Item> items) {
    return { reinterpret_cast<const char*>(items.data()), items.size_bytes() };
}

// Writes an index from rows that come in order, each once, however often it comes.
class IndexFile {
  public:
    static Result<IndexFile> begin(io::Path path) {
        ::unlink(path.c_str());
        auto opened = TRY(io::open_new(path));
        IndexFile file(std::move(opened), std::move(path));
        TRY(io::write_fully(file.file_.number(), std::string(IndexHead::size, '\0'), file.path_));
        return file;
    }

    Result<void> add(const IndexRow& row) {
        if (head_.rows > 0 && row == last_)
            return {};
        last_ = row;
        block_.push_back(row);
        ++head_.rows;
        return block_.size() == IndexBlocks::rows_in_block ? flush() : Result<void>();
    }

    // Not synced: after a power cut the checksum tells, and the file is made anew.
    Result<MergedIndex> finish(std::span<const PackRow> packs, std::span<const IndexFileId> files,
                               const crypto::Key& key) {
        TRY(flush());
        TRY(write(bytes_of(packs)));
        TRY(write(bytes_of(files)));
        head_.packs = packs.size();
        head_.files = files.size();
        if (::lseek(file_.number(), 0, SEEK_SET) != 0)
            return io::system_error("write", path_, errno);
        TRY(io::write_fully(file_.number(), head_.sealed(key, hash_.finish()), path_));
        return MergedIndex::map(file_, path_);
    }

  private:
    IndexFile(io::Descriptor file, io::Path path) : file_(std::move(file)), path_(std::move(path)) {}

    Result<void> write(std::string_view bytes) {
        hash_.add(bytes);
        return io::write_fully(file_.number(), bytes, path_);
    }

    Result<void> flush() {
        auto written = write(IndexBlocks::encode(block_));
        block_.clear();
        return written;
    }

    io::Descriptor file_;
    io::Path path_;
    crypto::Hash hash_;
    IndexHead head_;
    IndexRow last_;
    std::vector<IndexRow> block_;
};

// The next row of a portion. The smallest comes first out of a queue.
struct Next {
    IndexRows::Iterator at, end;
    IndexRow row;
    bool operator<(const Next& other) const { return row > other.row; }
};

Result<void> merge(const std::vector<MergedIndex>& portions, IndexFile& into) {
    std::priority_queue<Next> queue;
    const auto push = [&](IndexRows::Iterator at, IndexRows::Iterator end) {
        if (at != end)
            queue.push({ at, end, *at });
    };
    for (const auto& one : portions)
        push(one.rows().begin(), one.rows().end());
    while (!queue.empty()) {
        auto next = queue.top();
        queue.pop();
        TRY(into.add(next.row));
        push(++next.at, next.end);
    }
    return {};
}

} // namespace

IndexMerge::IndexMerge(io::Path file, crypto::Key key, MergedIndex onto)
    : file_(std::move(file)), key_(key), packs_(onto.packs().begin(), onto.packs().end()),
      files_(onto.files().begin(), onto.files().end()) {
    for (std::uint32_t number = 0; number < packs_.size(); ++number)
        numbers_.emplace(packs_[number].id, number);
    portions_.push_back(std::move(onto));
    rows_.reserve(portion); // taken up as it fills
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
        for (const auto& entry : pack.entries) {
            rows_.push_back({ entry.id, number, entry.offset, entry.length, entry.flags });
            if (rows_.size() == portion)
                TRY(put_aside());
        }
    }
    IndexFileId file{};
    id.copy(file.data(), file.size());
    files_.push_back(file);
    return {};
}

// Into a file without a name, which lasts as long as it is mapped.
Result<void> IndexMerge::put_aside() {
    const auto path = io::Path(file_).concat(".portion");
    std::ranges::sort(rows_);
    auto file = TRY(IndexFile::begin(path));
    ::unlink(path.c_str());
    for (const auto& row : rows_)
        TRY(file.add(row));
    portions_.push_back(TRY(file.finish({}, {}, key_)));
    rows_.clear();
    return {};
}

Result<MergedIndex> IndexMerge::finish() {
    if (!rows_.empty())
        TRY(put_aside());
    std::ranges::sort(files_);
    const auto building = io::Path(file_).concat(".building");
    auto file = TRY(IndexFile::begin(building));
    TRY(merge(portions_, file));
    auto index = TRY(file.finish(packs_, files_, key_));
    if (::rename(building.c_str(), file_.c_str()) != 0)
        return io::system_error("rename to", file_, errno);
    return index;
}

} // namespace respawn::vault
