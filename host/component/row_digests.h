// What each row of a table was in its last backup: keys and digests of rows, in a local file that can
// be lost at any time. It is read beside the rows as they come, so that memory stays flat; a keyed
// checksum tells a damaged one, or one of other rows, for a wrong digest would let a changed row pass.
#pragma once

#include "component/row_sum.h"
#include "crypto/crypto.h"
#include "io/file.h"

#include <string>

namespace respawn::component {

class RowDigests {
  public:
    // `of` says which rows they are of. Kind::missing, or Kind::corrupt for damage and for other rows'.
    static Result<RowDigests> open(const io::Path& file, const crypto::Key& key, std::string_view of);

    // On to the next row, at first to the first one; false behind the last. Views hold until then.
    Result<bool> next();
    std::string_view key() const { return key_; }
    const RowDigest& digest() const { return digest_; }

  private:
    RowDigests(io::Path file, io::Descriptor descriptor, std::uint64_t size)
        : file_(std::move(file)), descriptor_(std::move(descriptor)), size_(size) {}
    Result<void> refill();

    io::Path file_;
    io::Descriptor descriptor_;
    std::uint64_t size_ = 0, read_ = 0; // without the checksum
    std::string buffer_;
    std::size_t at_ = 0;
    std::string_view key_;
    RowDigest digest_;
};

// Writes such a file beside the one it replaces. What is small stays in memory until the end.
class RowDigestsWriter {
  public:
    explicit RowDigestsWriter(io::Path file) : file_(std::move(file)) {}
    Result<void> add(std::string_view key, const RowDigest& digest);
    // Puts the file in its place. Not synced: after a power cut the checksum tells.
    Result<void> finish(const crypto::Key& key, std::string_view of);
    // Leaves no file, neither this nor the one before.
    void leave_none();
    // Leaves the one before as it is.
    void give_up();

  private:
    Result<void> flush();
    io::Path fresh() const { return file_.string() + ".new"; }

    io::Path file_;
    io::Descriptor descriptor_;
    crypto::Hash hash_;
    std::string buffer_;
};

} // namespace respawn::component
