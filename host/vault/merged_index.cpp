#include "vault/merged_index.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace respawn::vault {

namespace {

Error unusable(const io::Path& file) {
    return damaged(fmt::format("the cached index {} is damaged", file.string()));
}

bool sizes_fit(const IndexHead& head, std::uint64_t size) {
    constexpr std::uint64_t most = std::uint64_t{ 1 } << 40;
    return head.magic == IndexHead().magic && head.rows <= head.room && head.room < most &&
           head.packs < most && head.files < most &&
           IndexHead::size + head.room * IndexColumns::row_size + head.packs * sizeof(PackRow) +
                   head.files * sizeof(IndexFileId) ==
               size;
}

// A file's bytes in memory. `advice`: how they will be read.
class MappedFile {
  public:
    MappedFile(int file, std::size_t size, int advice) : size_(size) {
        auto* bytes = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED)
            return;
        bytes_ = static_cast<const char*>(bytes);
        (void)::madvise(bytes, size, advice);
    }
    ~MappedFile() {
        if (bytes_)
            ::munmap(const_cast<char*>(bytes_), size_);
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    bool ok() const { return bytes_; }
    std::string_view view() const { return { bytes_, size_ }; }
    template <class Item> const Item* at(std::size_t offset) const {
        return reinterpret_cast<const Item*>(bytes_ + offset);
    }

  private:
    const char* bytes_ = nullptr;
    std::size_t size_;
};

} // namespace

struct MergedIndex::Mapping {
    Mapping(int file, const struct stat& status)
        : device(status.st_dev), inode(status.st_ino),
          in_order(file, static_cast<std::size_t>(status.st_size), MADV_SEQUENTIAL),
          sought(file, static_cast<std::size_t>(status.st_size), MADV_RANDOM) {}
    IndexHead head() const {
        IndexHead head;
        std::memcpy(&head, in_order.view().data(), sizeof head);
        return head;
    }
    dev_t device;
    ino_t inode;
    MappedFile in_order; // pages of it are the first to go
    MappedFile sought;
};

std::string IndexHead::sealed(const crypto::Key& key, std::string_view hashes) const {
    std::string page(size, '\0');
    std::memcpy(page.data(), this, sizeof *this);
    const auto covered = page.substr(checksum.size()) + std::string(hashes);
    return page.replace(0, checksum.size(), crypto::hmac_sha256(key, covered));
}

MergedIndex::MergedIndex() = default;

Result<MergedIndex> MergedIndex::map(const io::Descriptor& file, const io::Path& path) {
    struct stat status {};
    if (::fstat(file.number(), &status) != 0)
        return io::system_error("look at", path, errno);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size < IndexHead::size)
        return unusable(path);
    auto mapping = std::make_shared<Mapping>(file.number(), status);
    if (!mapping->in_order.ok() || !mapping->sought.ok())
        return io::system_error("map", path, errno);
    const auto head = mapping->head();
    if (!sizes_fit(head, size))
        return unusable(path);
    MergedIndex index;
    const auto rows_of = [&](const MappedFile& mapped) {
        return IndexRows({ mapped.at<char>(IndexHead::size), head.rows, head.room }, 0, head.rows);
    };
    index.rows_ = rows_of(mapping->in_order);
    index.sought_ = rows_of(mapping->sought);
    const auto packs = head.parts().back();
    index.packs_ = { mapping->in_order.at<PackRow>(packs), head.packs };
    index.files_ = { mapping->in_order.at<IndexFileId>(packs + index.packs_.size_bytes()), head.files };
    index.mapping_ = std::move(mapping);
    return index;
}

Result<MergedIndex> MergedIndex::open(const io::Path& path, const crypto::Key& key) {
    auto index = TRY(map(TRY(io::open_to_read(path)), path));
    const auto bytes = index.mapping_->in_order.view();
    const auto head = index.mapping_->head();
    std::string hashes;
    const auto parts = head.parts();
    for (std::size_t i = 0; i < parts.size(); ++i)
        hashes += crypto::sha256(
            bytes.substr(parts[i], i + 1 < parts.size() ? parts[i + 1] - parts[i] : bytes.npos));
    if (head.sealed(key, hashes) != bytes.substr(0, IndexHead::size))
        return unusable(path);
    return index;
}

bool MergedIndex::lies_at(const io::Path& file) const {
    struct stat status {};
    return mapping_ && ::stat(file.c_str(), &status) == 0 && status.st_dev == mapping_->device &&
           status.st_ino == mapping_->inode;
}

} // namespace respawn::vault
