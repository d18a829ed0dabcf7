#include "vault/page_digests.h"

#include "base/bytes.h"
#include "vault/format.h"
#include "vault/writer_state.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace respawn::vault {

namespace {

constexpr std::size_t checksum_size = 32;

// HMAC of what the digests are of and of their hash.
std::string checksum(const crypto::Key& key, const Content& of, std::uint32_t page_size,
                     std::string_view hash) {
    ByteWriter writer;
    writer.raw("respawn page digests 1").u64(of.size).u8(of.depth).raw(view(of.root));
    return crypto::hmac_sha256(key, writer.u32(page_size).raw(hash).bytes());
}

Error unusable(const io::Path& file) {
    return damaged("the cached page digests " + file.string() + " are damaged or of another image");
}

} // namespace

struct PageDigests::Mapping {
    char* bytes = nullptr;
    std::size_t size = 0;
    ~Mapping() {
        if (bytes)
            ::munmap(bytes, size);
    }
};

Result<PageDigests> PageDigests::open(const io::Path& file, const crypto::Key& key, const Content& of,
                                      std::uint32_t page_size) {
    const auto opened = TRY(io::open_to_read(file));
    struct stat status {};
    if (::fstat(opened.number(), &status) != 0)
        return io::system_error("look at", file, errno);
    const auto pages = page_size == 0 ? 0 : (of.size + page_size - 1) / page_size;
    const auto whole = static_cast<std::uint64_t>(status.st_size);
    if (whole != pages * size + checksum_size)
        return unusable(file);
    auto mapping = std::make_shared<Mapping>();
    auto* bytes = ::mmap(nullptr, whole, PROT_READ, MAP_SHARED, opened.number(), 0);
    if (bytes == MAP_FAILED)
        return io::system_error("map", file, errno);
    mapping->bytes = static_cast<char*>(bytes);
    mapping->size = whole;
    PageDigests digests;
    digests.digests_ = { mapping->bytes, whole - checksum_size };
    const std::string_view seal(mapping->bytes + digests.digests_.size(), checksum_size);
    if (checksum(key, of, page_size, crypto::sha256(digests.digests_)) != seal)
        return unusable(file);
    digests.mapping_ = std::move(mapping);
    return digests;
}

std::string_view PageDigests::of(std::uint64_t first, std::size_t count) const {
    return first * size >= digests_.size() ? std::string_view()
                                           : digests_.substr(first * size, count * size);
}

PageHasher::PageHasher(const Vault& vault, std::uint32_t page_size)
    : PageHasher(vault.state().identify, page_size) {}
PageHasher::PageHasher(Writer& writer, std::uint32_t page_size)
    : PageHasher(writer.state().vault.identify, page_size) {}

std::string PageHasher::operator()(std::string_view pages) const {
    std::string digests;
    digests.reserve((pages.size() / page_size_ + 1) * PageDigests::size);
    while (!pages.empty()) {
        const auto page = pages.substr(0, page_size_);
        digests += view((*identify_)(BlobKind::data, page));
        pages.remove_prefix(page.size());
    }
    return digests;
}

Result<PageDigestsWriter> PageDigestsWriter::begin(const io::Path& file) {
    TRY(io::make_folder(file.parent_path()));
    auto fresh = io::Path(file.string() + ".new");
    io::Descriptor descriptor(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!descriptor.open())
        return io::system_error("create", fresh, errno);
    return PageDigestsWriter(file, std::move(fresh), std::move(descriptor));
}

Result<void> PageDigestsWriter::add(std::string_view digests) {
    hash_.add(digests);
    return io::write_fully(descriptor_.number(), digests, fresh_);
}

Result<void> PageDigestsWriter::finish(const crypto::Key& key, const Content& of,
                                       std::uint32_t page_size) {
    TRY(io::write_fully(descriptor_.number(), checksum(key, of, page_size, hash_.finish()), fresh_));
    if (::rename(fresh_.c_str(), file_.c_str()) != 0)
        return io::system_error("rename", fresh_, errno);
    return {};
}

} // namespace respawn::vault
