#include "component/archive_import.h"

#include "base/text.h"
#include "base/time.h"
#include "component/archive_tree.h"
#include "component/file_bytes.h"
#include "component/sqlite.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <sys/stat.h>

namespace respawn::component {

using vault::ComponentRecord;
using vault::EntryType;
using vault::TreeEntry;

namespace {

constexpr std::uint64_t unsuspicious = 256 << 20;    // unpacked, before the ratio is looked at
constexpr std::uint64_t most_in_memory = 1ULL << 30; // of names and metadata
constexpr std::uint64_t small_hole = 64 << 10; // stored as zeros, so that lists of extents stay short
constexpr std::size_t most_pieces = 1 << 18;
constexpr std::size_t largest_json = 256 << 20;

Error too_much(std::string what, std::string option) {
    return { .kind = Kind::denied,
             .why = std::move(what),
             .fix = fmt::format("if that is right: the same with {}; nothing was kept", option) };
}

// A file's bytes as they come out of the archive, without its holes.
class Stretches final : public io::Source {
  public:
    using Passed = std::function<Result<void>(std::size_t bytes)>;
    Stretches(ArchiveReader& from, Passed passed) : from_(from), passed_(std::move(passed)) {}

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        if (zeros_ == 0 && rest_.empty() && !TRY(next()))
            return std::size_t{ 0 };
        if (zeros_ > 0) {
            const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size, zeros_));
            std::fill_n(buffer, part, '\0');
            zeros_ -= part;
            return part;
        }
        const auto part = std::min(size, rest_.size());
        rest_.copy(buffer, part);
        rest_.remove_prefix(part);
        return part;
    }
    std::uint64_t end() const { return end_; } // of the last stretch
    Extents take_extents() { return std::move(extents_); }

  private:
    Result<bool> next() {
        const auto [offset, bytes] = TRY(from_.data());
        if (bytes.empty())
            return false;
        TRY(passed_(bytes.size()));
        if (offset < end_ || bytes.size() > INT64_MAX - offset)
            return Error{ .kind = Kind::corrupt, .why = "the stretches of a sparse file overlap" };
        const auto gap = offset - end_;
        if (gap > 0 && gap <= small_hole && !extents_.empty())
            zeros_ = gap;
        else if (gap > 0 || extents_.empty())
            extents_.emplace_back(offset, 0);
        end_ = offset + bytes.size();
        extents_.back().second = end_ - extents_.back().first;
        rest_ = bytes;
        if (extents_.size() > most_pieces)
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("a sparse file has more than {} pieces", most_pieces) };
        return true;
    }

    ArchiveReader& from_;
    Passed passed_;
    std::string_view rest_;
    std::uint64_t zeros_ = 0, end_ = 0;
    Extents extents_;
};

class Importer {
  public:
    Importer(vault::Writer& into, const ImportRequest& request, const Work& work, std::uint64_t packed)
        : into_(into), request_(request), work_(work), packed_(packed),
          tree_(now().microseconds * 1000) {}

    Result<void> take_all(ArchiveReader& from) {
        while (const auto found = TRY(from.next())) {
            TRY(work_.cancel.check());
            TRY(take(from, *found));
        }
        return {};
    }

    Result<void> finish(ComponentRecord& record) {
        if (!request_.limits.outside_links)
            TRY(tree_.must_stay_inside(work_.cancel));
        if (files_ == 0)
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("{} holds no files", printable(request_.file.string())),
                          .fix = "nothing was kept; name another archive" };
        record.tree = TRY(tree_.store(into_, work_.cancel));
        record.files = files_;
        record.size_bytes = bytes_;
        Value::List roots;
        for (const auto& path : request_.live_paths)
            if (path.is_absolute() && tree_.has(path))
                roots.emplace_back(path.string());
        record.detail = Value::Map{ { "entries", static_cast<std::int64_t>(tree_.entries()) },
                                    { "paths", roots },
                                    { "roots", roots },
                                    { "notes", notes_.value() } };
        return {};
    }

  private:
    Result<void> take(ArchiveReader& from, const ArchiveEntry& found) {
        for (const auto& note : found.notes)
            notes_.add(note);
        auto* node = TRY(tree_.add(found));
        TRY(must_be_few());
        if (!node || node->entry.type != EntryType::file)
            return {};
        TRY(count(node->entry.size));
        return found.same_as ? Result<void>() : take_bytes(from, node->entry);
    }

    Result<void> take_bytes(ArchiveReader& from, TreeEntry& entry) {
        Stretches bytes(from, [&](std::size_t size) { return passed(size, from); });
        entry.content = TRY(into_.store(bytes));
        if (bytes.end() > entry.size)
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("{} is longer than the archive says",
                                             printable(entry.name)) };
        if (entry.content.size != entry.size)
            entry.extents = bytes.take_extents();
        return must_be_sound(entry);
    }

    // Before the bytes are read: a hole takes no bytes of the archive.
    Result<void> count(std::uint64_t size) {
        ++files_;
        if (size > request_.limits.bytes - bytes_)
            return too_much(
                fmt::format("the archive unpacks to more than {}", human_size(request_.limits.bytes)),
                "--limit SIZE (as 50GiB)");
        bytes_ += size;
        return {};
    }

    Result<void> passed(std::size_t size, const ArchiveReader& from) {
        TRY(work_.cancel.check());
        unpacked_ += size;
        const auto packed = std::max<std::uint64_t>(from.packed_bytes(), 1);
        if (work_.progress)
            work_.progress(packed, packed_);
        if (unpacked_ <= unsuspicious || unpacked_ / packed <= request_.limits.ratio)
            return {};
        return too_much(fmt::format("the archive unpacks to more than {} times its size, as bombs do",
                                    request_.limits.ratio),
                        "--limit SIZE (as 50GiB)");
    }

    Result<void> must_be_few() const {
        if (tree_.entries() > request_.limits.entries)
            return too_much(
                fmt::format("the archive has more than {} entries", request_.limits.entries),
                "--most-entries NUMBER");
        if (tree_.bytes_in_memory() > most_in_memory)
            return Error{ .kind = Kind::denied,
                          .why =
                              fmt::format("the archive's names and attributes alone take more than {}",
                                          human_size(most_in_memory)),
                          .fix = "split it; nothing was kept" };
        return {};
    }

    vault::Writer& into_;
    const ImportRequest& request_;
    const Work& work_;
    std::uint64_t packed_, files_ = 0, bytes_ = 0, unpacked_ = 0;
    ArchiveTree tree_;
    Notes notes_;
};

// An archive that is not packed ends with two blocks of zeros; libarchive takes one cut short before
// them for whole. Packed ones have their own end.
Result<void> must_be_whole(int file, std::uint64_t size, const io::Path& path) {
    constexpr std::uint64_t end_mark = 1024;
    const auto magic = TRY(io::read_at(file, 0, 4, path));
    if (magic.starts_with("\x1f\x8b") || magic == "\x28\xb5\x2f\xfd")
        return {};
    const auto end = size < end_mark ? "x" : TRY(io::read_at(file, size - end_mark, end_mark, path));
    if (end.find_first_not_of('\0') == std::string::npos && size % 512 == 0)
        return {};
    return Error{ .kind = Kind::corrupt,
                  .why = fmt::format("{} is cut short: the mark at a tar archive's end is missing",
                                     printable(path.string())),
                  .fix = "take another copy of the archive; nothing of this one was kept" };
}

Result<std::uint64_t> size_of(int file, const io::Path& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0)
        return io::system_error("look at", path, errno);
    if (!S_ISREG(status.st_mode))
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} is no file", printable(path.string())) };
    return static_cast<std::uint64_t>(status.st_size);
}

ComponentRecord begun(const ImportRequest& request) {
    return { .name = request.component, .kind = "files", .started = now().microseconds };
}

ComponentRecord finished(ComponentRecord record, const ImportRequest& request) {
    record.detail.map()->insert_or_assign("imported", import_origin(request));
    record.duration = now().microseconds - record.started;
    return record;
}

} // namespace

Value import_origin(const ImportRequest& request) {
    return Value::Map{ { "file", std::filesystem::absolute(request.file).string() },
                       { "time", to_rfc3339(now()) } };
}

Result<ComponentRecord> import_archive(vault::Writer& into, const ImportRequest& request,
                                       const Work& work) {
    auto record = begun(request);
    const auto file = TRY(io::open_to_read(request.file));
    const auto size = TRY(size_of(file.number(), request.file));
    TRY(must_be_whole(file.number(), size, request.file));
    auto reader = TRY(ArchiveReader::open(file.number(), request.file));
    Importer importer(into, request, work, size);
    TRY(importer.take_all(reader));
    TRY(importer.finish(record));
    return finished(std::move(record), request);
}

Result<ComponentRecord> import_json(vault::Writer& into, const ImportRequest& request,
                                    const Work& work) {
    auto record = begun(request);
    const auto path = std::filesystem::absolute(request.file);
    const auto folder = TRY(open_folder(path.parent_path()));
    const auto name = path.filename().string();
    const auto status = TRY(stat_at(folder.number(), name, path));
    const auto text = TRY(io::read_file(path, largest_json));
    if (const auto right = from_json(text); !right.ok())
        return Error{ .kind = Kind::corrupt,
                      .why =
                          fmt::format("{} is no JSON: {}", printable(path.string()), right.error().why),
                      .fix = "nothing was kept" };
    TRY(work.cancel.check());
    Owners owners;
    auto entry = TRY(describe(folder.number(), name, *status, owners, path));
    entry.type = EntryType::file;
    entry.target.clear();
    io::TextSource bytes(text);
    entry.content = TRY(into.store(bytes));
    entry.size = record.size_bytes = entry.content.size;
    record.files = 1;
    record.tree = TRY(into.store_tree({ std::move(entry) }));
    record.detail = Value::Map{};
    return finished(std::move(record), request);
}

Result<ComponentRecord> import_database(vault::Writer& into, const ImportRequest& request,
                                        const Work& work) {
    config::ComponentSettings settings;
    settings.name = request.component;
    settings.kind = "sqlite";
    settings.path = request.file;
    if (!io::is_there(request.file))
        return io::system_error("open", request.file, ENOENT);
    auto record = TRY(open_sqlite(settings)->back_up(into, work));
    if (!record.success)
        return Error{ .kind = Kind::corrupt, .why = record.error };
    return finished(std::move(record), request);
}

} // namespace respawn::component
