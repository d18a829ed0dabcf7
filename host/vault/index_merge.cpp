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

// Writes an index from at most `room` rows that come in order, each once, however often it comes.
class IndexFile {
  public:
    static Result<IndexFile> begin(io::Path path, std::size_t room) {
        ::unlink(path.c_str());
        auto opened = TRY(io::open_new(path));
        return IndexFile(std::move(opened), std::move(path), room);
    }

    Result<void> add(const IndexRow& row) {
        if (head_.rows > 0 && row == last_)
            return {};
        last_ = row;
        held_.push_back(row);
        ++head_.rows;
        return held_.size() == most_held ? flush() : Result<void>();
    }

    // Not synced: after a power cut the checksum tells, and the file is made anew.
    Result<MergedIndex> finish(std::span<const PackRow> packs, std::span<const IndexFileId> files,
                               const crypto::Key& key) {
        TRY(flush());
        TRY(fill_room());
        TRY(write(3, bytes_of(packs)));
        TRY(write(3, bytes_of(files)));
        head_.packs = packs.size();
        head_.files = files.size();
        std::string hashes;
        for (auto& hash : hashes_)
            hashes += hash.finish();
        TRY(write_at(0, head_.sealed(key, hashes)));
        return MergedIndex::map(file_, path_);
    }

  private:
    static constexpr std::size_t most_held = 1 << 15; // rows, before they are written: 1 MiB

    IndexFile(io::Descriptor file, io::Path path, std::size_t room)
        : file_(std::move(file)), path_(std::move(path)) {
        head_.room = room;
        next_ = head_.parts();
    }

    Result<void> flush() {
        const auto columns = IndexColumns::encode(held_);
        held_.clear();
        for (std::size_t i = 0; i < columns.size(); ++i)
            TRY(write(i, columns[i]));
        return {};
    }

    // What several index files named has left room.
    Result<void> fill_room() {
        for (std::size_t i = 0; i < IndexColumns::count; ++i)
            while (next_[i] < head_.parts()[i + 1])
                TRY(write(i,
                          std::string(std::min<std::uint64_t>(1 << 20, head_.parts()[i + 1] - next_[i]),
                                      '\0')));
        return {};
    }

    Result<void> write(std::size_t part, std::string_view bytes) {
        hashes_[part].add(bytes);
        TRY(write_at(next_[part], bytes));
        next_[part] += bytes.size();
        return {};
    }

    Result<void> write_at(std::uint64_t offset, std::string_view bytes) {
        if (::lseek(file_.number(), static_cast<off_t>(offset), SEEK_SET) < 0)
            return io::system_error("write", path_, errno);
        return io::write_fully(file_.number(), bytes, path_);
    }

    io::Descriptor file_;
    io::Path path_;
    IndexHead head_;
    std::array<std::uint64_t, 4> next_; // where each part goes on
    std::array<crypto::Hash, 4> hashes_;
    IndexRow last_;
    std::vector<IndexRow> held_;
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
    auto file = TRY(IndexFile::begin(path, rows_.size()));
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
    std::size_t rows = 0;
    for (const auto& one : portions_)
        rows += one.rows().size();
    auto file = TRY(IndexFile::begin(building, rows));
    TRY(merge(portions_, file));
    auto index = TRY(file.finish(packs_, files_, key_));
    if (::rename(building.c_str(), file_.c_str()) != 0)
        return io::system_error("rename to", file_, errno);
    return index;
}

} // namespace respawn::vault
