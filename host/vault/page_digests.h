// What each page of an image was: 16 bytes a page, keyed, in a local file that can be lost at any time.
// It is mapped, so that memory stays flat; a checksum under the vault's key tells a damaged or foreign
// one, for a wrong digest would let a changed page pass for an old one.
#pragma once

#include "crypto/crypto.h"
#include "io/file.h"
#include "vault/vault.h"

#include <memory>
#include <string>

namespace respawn::vault {

class Identifier;

class PageDigests {
  public:
    static constexpr std::size_t size = 16; // of one

    // Kind::missing, or Kind::corrupt for damage and for digests of another image or page size.
    static Result<PageDigests> open(const io::Path& file, const crypto::Key& key, const Content& of,
                                    std::uint32_t page_size);
    // Of pages [first, first + count); shorter behind the last page.
    std::string_view of(std::uint64_t first, std::size_t count) const;

  private:
    struct Mapping;
    std::shared_ptr<const Mapping> mapping_;
    std::string_view digests_;
};

// Makes the digests. Thread-safe; what it is made from must outlive it.
class PageHasher {
  public:
    PageHasher(const Vault& vault, std::uint32_t page_size);
    PageHasher(Writer& writer, std::uint32_t page_size);
    PageHasher(const Identifier& identify, std::uint32_t page_size)
        : identify_(&identify), page_size_(page_size) {}
    // Of each page in these bytes; the last one may be shorter.
    std::string operator()(std::string_view pages) const;

  private:
    const Identifier* identify_;
    std::uint32_t page_size_;
};

// Writes such a file beside the one it replaces.
class PageDigestsWriter {
  public:
    static Result<PageDigestsWriter> begin(const io::Path& file);
    Result<void> add(std::string_view digests);
    // Puts the file in its place. Not synced: after a power cut the checksum tells.
    Result<void> finish(const crypto::Key& key, const Content& of, std::uint32_t page_size);

  private:
    PageDigestsWriter(io::Path file, io::Path fresh, io::Descriptor descriptor)
        : file_(std::move(file)), fresh_(std::move(fresh)), descriptor_(std::move(descriptor)) {}
    io::Path file_, fresh_;
    io::Descriptor descriptor_;
    crypto::Hash hash_;
};

} // namespace respawn::vault
