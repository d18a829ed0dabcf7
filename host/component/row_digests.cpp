#include "component/row_digests.h"

#include "base/bytes.h"
#include "component/row_bytes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::size_t checksum_size = 32, digest_size = 16;
constexpr std::size_t digests_at_once = 1 << 20;
constexpr std::size_t longest_entry = (64 << 10) + 10 + digest_size; // longest_key and its length

std::string checksum(const crypto::Key& key, std::string_view of, std::string_view hash) {
    ByteWriter writer;
    writer.text("respawn row digests 1").text(of).text(hash);
    return crypto::hmac_sha256(key, writer.bytes());
}

Error unusable(const io::Path& file) {
    return Error{ .kind = Kind::corrupt,
                  .why = "the row digests " + file.string() + " are damaged or of other rows" };
}

} // namespace

Result<RowDigests> RowDigests::open(const io::Path& file, const crypto::Key& key, std::string_view of) {
    auto descriptor = TRY(io::open_to_read(file));
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0)
        return io::system_error("look at", file, errno);
    if (status.st_size < static_cast<off_t>(checksum_size))
        return unusable(file);
    const auto size = static_cast<std::uint64_t>(status.st_size) - checksum_size;
    crypto::Hash hash;
    for (std::uint64_t at = 0; at < size;) {
        const auto bytes = TRY(io::read_at(descriptor.number(), at,
                                           std::min<std::uint64_t>(digests_at_once, size - at), file));
        if (bytes.empty())
            return unusable(file);
        hash.add(bytes);
        at += bytes.size();
    }
    const auto seal = TRY(io::read_at(descriptor.number(), size, checksum_size, file));
    if (checksum(key, of, hash.finish()) != seal)
        return unusable(file);
    return RowDigests(file, std::move(descriptor), size);
}

Result<void> RowDigests::refill() {
    buffer_.erase(0, std::exchange(at_, 0));
    const auto wanted = std::min<std::uint64_t>(digests_at_once, size_ - read_);
    const auto bytes = TRY(io::read_at(descriptor_.number(), read_, wanted, file_));
    if (bytes.size() != wanted)
        return unusable(file_);
    buffer_ += bytes;
    read_ += wanted;
    return {};
}

Result<bool> RowDigests::next() {
    if (buffer_.size() - at_ < longest_entry && read_ < size_)
        TRY(refill());
    auto rest = std::string_view(buffer_).substr(at_);
    if (rest.empty())
        return false;
    key_ = TRY(take_bytes(rest, TRY(take_length(rest))));
    const auto digest = TRY(take_bytes(rest, digest_size));
    std::memcpy(&digest_.low, digest.data(), 8);
    std::memcpy(&digest_.high, digest.data() + 8, 8);
    at_ = buffer_.size() - rest.size();
    return true;
}

Result<void> RowDigestsWriter::add(std::string_view key, const RowDigest& digest) {
    append_length(buffer_, key.size());
    buffer_ += key;
    char bytes[digest_size];
    std::memcpy(bytes, &digest.low, 8);
    std::memcpy(bytes + 8, &digest.high, 8);
    buffer_.append(bytes, sizeof bytes);
    return buffer_.size() < digests_at_once ? Result<void>() : flush();
}

Result<void> RowDigestsWriter::flush() {
    if (!descriptor_.open()) {
        TRY(io::make_folder(file_.parent_path()));
        descriptor_ = io::Descriptor(
            ::open(fresh().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!descriptor_.open())
            return io::system_error("create", fresh(), errno);
    }
    hash_.add(buffer_);
    TRY(io::write_fully(descriptor_.number(), buffer_, fresh()));
    buffer_.clear();
    return {};
}

Result<void> RowDigestsWriter::finish(const crypto::Key& key, std::string_view of) {
    TRY(flush());
    TRY(io::write_fully(descriptor_.number(), checksum(key, of, hash_.finish()), fresh()));
    if (::rename(fresh().c_str(), file_.c_str()) != 0)
        return io::system_error("rename", fresh(), errno);
    return {};
}

void RowDigestsWriter::give_up() {
    if (descriptor_.open())
        ::unlink(fresh().c_str());
    descriptor_.close();
    buffer_.clear();
}

void RowDigestsWriter::leave_none() {
    give_up();
    ::unlink(file_.c_str());
}

} // namespace respawn::component
