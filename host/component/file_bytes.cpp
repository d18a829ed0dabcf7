#include "component/file_bytes.h"

#include "base/text.h"
#include "io/write_back.h"

#include <algorithm>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::size_t most_extents = 4096;

Extents find_extents(int file, std::uint64_t size) {
    Extents found;
    for (off_t at = 0; at < static_cast<off_t>(size);) {
        const off_t data = ::lseek(file, at, SEEK_DATA);
        if (data < 0 || data >= static_cast<off_t>(size))
            break;
        const off_t hole = ::lseek(file, data, SEEK_HOLE);
        const off_t end =
            hole < 0 ? static_cast<off_t>(size) : std::min<off_t>(hole, static_cast<off_t>(size));
        found.emplace_back(data, end - data);
        at = end;
    }
    return found;
}

Extents join_over(const Extents& extents, std::uint64_t gap) {
    Extents joined;
    for (const auto& [offset, length] : extents) {
        if (!joined.empty() && offset - (joined.back().first + joined.back().second) < gap)
            joined.back().second = offset + length - joined.back().first;
        else
            joined.emplace_back(offset, length);
    }
    return joined;
}

} // namespace

Layout layout_of(int file, const struct stat& status) {
    Layout layout{ .size = static_cast<std::uint64_t>(status.st_size) };
    if (static_cast<std::uint64_t>(status.st_blocks) * 512 >= layout.size)
        return layout;
    errno = 0;
    layout.extents = find_extents(file, layout.size);
    const bool unknown = layout.extents.empty() && errno != ENXIO; // a file system without SEEK_DATA
    layout.has_holes = !unknown && layout.extents != Extents{ { 0, layout.size } };
    for (std::uint64_t gap = 8192; layout.extents.size() > most_extents; gap *= 2)
        layout.extents = join_over(layout.extents, gap);
    if (!layout.has_holes)
        layout.extents.clear();
    return layout;
}

LayoutSource::LayoutSource(int file, const Layout& layout, const io::Path& path)
    : file_(file), stretches_(layout.has_holes ? layout.extents : Extents{ { 0, layout.size } }),
      pads_(layout.has_holes), path_(path) {}

Result<std::size_t> LayoutSource::read_at(char* buffer, std::size_t size, std::uint64_t offset) {
    for (;;) {
        const auto got = ::pread(file_, buffer, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fault_ = io::system_error("read", path_, errno);
            return *fault_;
        }
        if (got > 0 || !pads_)
            return static_cast<std::size_t>(got);
        std::fill_n(buffer, size, '\0'); // cut short meanwhile: what is gone is a hole
        return size;
    }
}

Result<std::size_t> LayoutSource::read(char* buffer, std::size_t size) {
    while (stretch_ < stretches_.size() && within_ == stretches_[stretch_].second) {
        ++stretch_;
        within_ = 0;
    }
    if (stretch_ == stretches_.size())
        return std::size_t{ 0 };
    const auto& [offset, length] = stretches_[stretch_];
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, length - within_));
    const auto got = TRY(read_at(buffer, wanted, offset + within_));
    if (taken_ == 0 && offset == 0)
        is_sqlite_ = std::string_view(buffer, got).starts_with("SQLite format 3");
    within_ += got;
    taken_ += got;
    return got;
}

Result<void> must_be_sound(const vault::TreeEntry& entry) {
    std::uint64_t end = 0, sum = 0;
    bool sound = entry.size <= static_cast<std::uint64_t>(INT64_MAX);
    for (const auto& [offset, length] : entry.extents) {
        sound = sound && offset >= end && offset <= entry.size && length <= entry.size - offset;
        end = offset + length;
        sum += length;
    }
    if (entry.extents.empty())
        sum = entry.content.size == 0 ? 0 : entry.size;
    if (sound && sum == entry.content.size)
        return {};
    return Error{ .kind = Kind::corrupt,
                  .why = fmt::format("the sizes of {} in the backup do not fit each other",
                                     printable(entry.name)) };
}

PlacingSink::PlacingSink(const vault::TreeEntry& entry, const Cancellation& cancel, Take take)
    : extents_(entry.extents.empty() ? Extents{ { 0, entry.content.size } } : entry.extents),
      cancel_(cancel), take_(std::move(take)) {}

Result<void> PlacingSink::write(std::string_view bytes) {
    TRY(cancel_.check());
    while (!bytes.empty()) {
        while (at_ < extents_.size() && within_ == extents_[at_].second) {
            ++at_;
            within_ = 0;
        }
        if (at_ == extents_.size())
            return Error{ .kind = Kind::corrupt, .why = "more bytes came back than the file has" };
        const auto part = bytes.substr(0, extents_[at_].second - within_);
        TRY(take_(extents_[at_].first + within_, part));
        within_ += part.size();
        written_ += part.size();
        bytes.remove_prefix(part.size());
    }
    return {};
}

namespace {

Result<void> write_at(int file, std::uint64_t offset, std::string_view bytes, const io::Path& path) {
    while (!bytes.empty()) {
        const auto put = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return io::system_error("write", path, errno);
        offset += static_cast<std::uint64_t>(put);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<bool> is_zero(int file, std::uint64_t offset, std::uint64_t end, const io::Path& path) {
    constexpr std::uint64_t piece = 1 << 20;
    while (offset < end) {
        const auto bytes = TRY(io::read_at(file, offset, std::min(piece, end - offset), path));
        if (bytes.find_first_not_of('\0') != std::string::npos || bytes.empty())
            return false;
        offset += bytes.size();
    }
    return true;
}

// What the entry calls holes must read as zeros.
Result<bool> same_holes(const vault::TreeEntry& entry, int file, const io::Path& path) {
    if (entry.content.size == entry.size)
        return true;
    std::uint64_t at = 0;
    for (const auto& [offset, length] : entry.extents) {
        if (!TRY(is_zero(file, at, offset, path)))
            return false;
        at = offset + length;
    }
    return is_zero(file, at, entry.size, path);
}

} // namespace

namespace {

using Put = std::function<Result<void>(std::uint64_t offset, std::string_view bytes)>;

// `put` takes what `feed` gives, each stretch with its place in the file.
Result<void> place(const vault::TreeEntry& entry, int file, const io::Path& path,
                   const Cancellation& cancel, const std::function<Result<void>(io::Sink&)>& feed,
                   const Put& put) {
    TRY(must_be_sound(entry));
    PlacingSink sink(entry, cancel, put);
    if (entry.content.size > 0)
        TRY(feed(sink));
    if (sink.written() != entry.content.size)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("{} bytes came back of {} of {}", sink.written(),
                                         entry.content.size, printable(path.string())) };
    if (entry.size > entry.content.size && ::ftruncate(file, static_cast<off_t>(entry.size)) != 0)
        return io::system_error("write", path, errno);
    return {};
}

// A file's bytes at each place of a content without holes.
vault::Vault::AtHand at_hand(int file, const io::Path& path, const Cancellation& cancel) {
    return [file, &path, &cancel](std::uint64_t offset, std::size_t size) -> Result<std::string> {
        TRY(cancel.check());
        return io::read_at(file, offset, size, path);
    };
}

} // namespace

namespace {

// True when the file now shares all bytes with the other, at no cost; few file systems can. It has the
// entry's length.
Result<bool> clone(int like, const vault::TreeEntry& entry, int file, const io::Path& path) {
    if (::ioctl(file, FICLONE, like) != 0)
        return false;
    if (::ftruncate(file, static_cast<off_t>(entry.size)) != 0)
        return io::system_error("write", path, errno);
    return true;
}

} // namespace

Result<void> write_bytes(vault::Vault& from, const vault::TreeEntry& entry, int file,
                         const io::Path& path, const Cancellation& cancel, int like) {
    const bool much_is_there = like >= 0 && entry.content.size == entry.size;
    const bool cloned = much_is_there && TRY(clone(like, entry, file, path));
    io::WriteBack write_back(file);
    const Put put = [&](std::uint64_t offset, std::string_view bytes) -> Result<void> {
        if (cloned && TRY(io::read_at(file, offset, bytes.size(), path)) == bytes)
            return {};
        write_back.add(bytes.size());
        return write_at(file, offset, bytes, path);
    };
    const auto feed = [&](io::Sink& sink) {
        return much_is_there
                   ? from.read(entry.content, sink, at_hand(cloned ? file : like, path, cancel))
                   : from.read(entry.content, sink);
    };
    return place(entry, file, path, cancel, feed, put);
}

Result<void> write_plain(std::string_view bytes, const vault::TreeEntry& entry, int file,
                         const io::Path& path, const Cancellation& cancel) {
    return place(
        entry, file, path, cancel, [&](io::Sink& sink) { return sink.write(bytes); },
        [&](std::uint64_t offset, std::string_view part) {
            return write_at(file, offset, part, path);
        });
}

Result<bool> same_bytes(vault::Vault& from, const vault::TreeEntry& entry, int file,
                        const io::Path& path, const Cancellation& cancel) {
    TRY(must_be_sound(entry));
    if (entry.extents.empty()) { // by the ids of its chunks, without reading them
        struct stat status {};
        return ::fstat(file, &status) == 0 &&
               static_cast<std::uint64_t>(status.st_size) == entry.size &&
               TRY(from.is_at_hand(entry.content, at_hand(file, path, cancel)));
    }
    bool differs = !TRY(same_holes(entry, file, path));
    PlacingSink sink(entry, cancel, [&](std::uint64_t offset, std::string_view bytes) -> Result<void> {
        differs = TRY(io::read_at(file, offset, bytes.size(), path)) != bytes;
        if (differs) // ends the reading early
            return Error{ .kind = Kind::moved, .why = "the live file is another" };
        return {};
    });
    if (differs || entry.content.size == 0)
        return !differs;
    auto read = from.read(entry.content, sink);
    if (!read.ok() && !differs)
        return std::move(read).error();
    return !differs && sink.written() == entry.content.size;
}

} // namespace respawn::component
