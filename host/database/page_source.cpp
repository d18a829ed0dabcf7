#include "database/page_source.h"

#include "base/text.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace respawn::database {

namespace {

// walformat.html: the WAL's header and each frame's, and what lies in them.
constexpr std::uint64_t wal_header = 32, frame_header = 24;
constexpr std::size_t salts_at = 16, frame_salts_at = 8, salts_size = 8;
constexpr std::size_t piece = 1 << 20;
constexpr std::size_t header_size = 100;

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
    return number;
}

// In the byte order of this machine, as the shared index has it.
std::uint32_t native(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

Result<std::string> wal_end_of(const SqliteHandle& shown) {
    const auto header = TRY(shown.read_raw(0, header_size));
    const bool wal = header.size() == header_size && header[18] == 2;
    return wal ? shown.wal_end() : std::string();
}

// A read transaction, and what the WAL's end was both before and after it began.
Result<std::string> begin_reading(const SqliteHandle& shown) {
    constexpr int tries = 200; // each takes microseconds; a commit must fall into all of them
    for (int i = 0; i < tries; ++i) {
        const auto before = TRY(wal_end_of(shown));
        TRY(shown.run("BEGIN"));
        TRY(shown.number("SELECT count(*) FROM main.sqlite_schema"));
        const auto after = TRY(wal_end_of(shown));
        if (before == after && after != "being written")
            return after;
        TRY(shown.run("ROLLBACK"));
    }
    return Error{ .kind = Kind::moved, .why = "the database is written all the time" };
}

} // namespace

Result<PageSource> PageSource::begin(const SqliteHandle& shown) {
    TRY(shown.number("SELECT count(*) FROM main.sqlite_schema")); // opens the WAL
    return open(shown, TRY(begin_reading(shown)));
}

Result<PageSource> PageSource::open(const SqliteHandle& shown, std::string_view wal_end) {
    PageSource source(shown);
    source.page_size_ = static_cast<std::uint32_t>(TRY(shown.number("PRAGMA page_size")));
    source.pages_ = static_cast<std::uint32_t>(TRY(shown.number("PRAGMA page_count")));
    TRY(source.follow_wal(wal_end));
    return source;
}

// wal_end has the frames at 2, the salts at 18.
Result<void> PageSource::follow_wal(std::string_view wal_end) {
    const auto count = wal_end.size() == 26 ? native(wal_end, 2) : 0;
    if (count == 0)
        return {};
    wal_path_ = shown_->path().string() + "-wal";
    wal_ = TRY(io::open_to_read(wal_path_)); // it carries no locks
    salts_ = wal_end.substr(18, salts_size);
    const auto frame = frame_header + page_size_;
    const auto at_once = std::max<std::uint64_t>(1, piece / frame);
    for (std::uint64_t first = 0; first < count; first += at_once) {
        const auto wanted = std::min<std::uint64_t>(at_once, count - first);
        const auto bytes =
            TRY(io::read_at(wal_.number(), wal_header + first * frame, wanted * frame, wal_path_));
        for (std::uint64_t i = 0; (i + 1) * frame <= bytes.size(); ++i)
            if (bytes.compare(i * frame + frame_salts_at, salts_size, salts_) == 0)
                frames_.push_back(
                    { big_endian(bytes, i * frame), static_cast<std::uint32_t>(first + i) });
    }
    if (frames_.size() != count && TRY(is_same_wal()))
        return Error{ .kind = Kind::moved,
                      .why = fmt::format("the WAL of {} is not what SQLite says of it",
                                         printable(shown_->path().string())) };
    std::ranges::sort(frames_, [](const Frame& one, const Frame& other) {
        return std::pair(one.page, ~one.number) < std::pair(other.page, ~other.number);
    });
    const auto older = std::ranges::unique(frames_, {}, &Frame::page);
    frames_.erase(older.begin(), older.end());
    return {};
}

Result<bool> PageSource::is_same_wal() const {
    const auto header = TRY(io::read_at(wal_.number(), 0, wal_header, wal_path_));
    return header.size() == wal_header && header.compare(salts_at, salts_size, salts_) == 0;
}

Result<std::string> PageSource::read(std::uint32_t first, std::uint32_t count) const {
    if (first == 0 || first > pages_)
        return std::string();
    const auto wanted = std::size_t{ std::min(count, pages_ - first + 1) } * page_size_;
    auto pages = TRY(shown_->read_raw(std::uint64_t{ first - 1 } * page_size_, wanted));
    pages.resize(wanted);
    TRY(lay_frames(first, pages));
    return pages;
}

Result<void> PageSource::lay_frames(std::uint32_t first, std::string& pages) const {
    const auto end = first + static_cast<std::uint32_t>(pages.size() / page_size_);
    auto frame = std::ranges::lower_bound(frames_, first, {}, &Frame::page);
    for (; frame != frames_.end() && frame->page < end; ++frame) {
        const auto at = wal_header + frame->number * (frame_header + page_size_) + frame_header;
        const auto bytes = TRY(io::read_at(wal_.number(), at, page_size_, wal_path_));
        if (!TRY(is_same_wal()))
            return {};
        if (bytes.size() != page_size_)
            return Error{ .kind = Kind::io, .why = printable(wal_path_.string()) + " is cut short" };
        pages.replace(std::size_t{ frame->page - first } * page_size_, page_size_, bytes);
    }
    return {};
}

} // namespace respawn::database
