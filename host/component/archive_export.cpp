#include "component/archive_export.h"

#include "base/bytes.h"
#include "base/id.h"
#include "base/text.h"
#include "base/time.h"
#include "component/file_cache.h"
#include "crypto/crypto.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

namespace {

// What an archive holds, as one hash: of what went in, and of what is read back.
class Digest {
  public:
    void add(const ArchiveEntry& what) {
        const auto& entry = what.entry;
        ByteWriter writer;
        writer.text("entry").text(what.path).text(what.same_as.value_or(""));
        writer.u8(static_cast<std::uint8_t>(what.same_as ? EntryType::file : entry.type));
        writer.u32(entry.mode).u32(entry.user).u32(entry.group).i64(entry.modified_ns);
        writer.text(what.same_as ? "" : entry.target).u64(what.same_as ? 0 : entry.size);
        for (const auto& [name, value] : entry.attributes)
            writer.text(name).text(value);
        hash_.add(writer.bytes());
        end_ = 0;
    }
    // Holes count by where the bytes behind them lie.
    void add(std::uint64_t offset, std::string_view bytes) {
        if (offset != end_)
            hash_.add(ByteWriter().text("at").u64(offset).bytes());
        hash_.add(bytes);
        end_ = offset + bytes.size();
    }
    std::string finish() { return hash_.finish(); }

  private:
    crypto::Hash hash_;
    std::uint64_t end_ = 0;
};

class Exporter {
  public:
    Exporter(vault::Vault& from, ArchiveWriter& to, const Work& work, std::uint64_t total)
        : from_(from), to_(to), work_(work), total_(total) {}

    Result<void> add(const Part& part, bool with_name) {
        links_.clear();
        const auto& name = part.record.name;
        if (with_name) {
            TreeEntry folder{ .name = name, .type = EntryType::folder, .mode = 0755 };
            folder.user = ::geteuid();
            folder.group = ::getegid();
            folder.modified_ns = part.record.started * 1000;
            TRY(add(name, folder));
        }
        return walk_part(from_, part, work_.cancel,
                         [&](const std::string& path, const TreeEntry& entry) {
                             return add(with_name ? name + "/" + path : path, entry);
                         });
    }
    ArchiveReport& report() { return report_; }
    Notes& notes() { return notes_; }
    std::string digest() { return digest_.finish(); }

  private:
    Result<void> add(const std::string& path, const TreeEntry& entry) {
        if (entry.type == EntryType::socket) {
            notes_.add(
                fmt::format("{} was left out: a tar archive cannot hold sockets", printable(path)));
            return {};
        }
        ArchiveEntry wanted{ .path = path, .entry = entry };
        if (entry.modified_ns < 0 && entry.modified_ns % 1'000'000'000 != 0) {
            // libarchive writes the fraction of such a time with the wrong sign.
            wanted.entry.modified_ns = (entry.modified_ns / 1'000'000'000 - 1) * 1'000'000'000;
            notes_.add(fmt::format("{}: a time before 1970, kept to the second", printable(path)));
        }
        if (entry.hard_link != 0 && entry.type != EntryType::folder)
            if (const auto [first, fresh] = links_.try_emplace(entry.hard_link, path); !fresh)
                wanted.same_as = first->second;
        TRY(to_.begin(wanted));
        digest_.add(wanted);
        ++report_.entries;
        if (entry.type != EntryType::file)
            return {};
        ++report_.files;
        report_.size_bytes += entry.size;
        return wanted.same_as ? Result<void>() : add_bytes(entry);
    }

    Result<void> add_bytes(const TreeEntry& entry) {
        struct Through final : io::Sink {
            explicit Through(Exporter& self) : exporter(self) {}
            Result<void> write(std::string_view bytes) override { return exporter.pass(bytes); }
            Exporter& exporter;
        } through(*this);
        at_ = extent_ = 0;
        extents_ = entry.content.size == entry.size ? Extents{ { 0, entry.size } } : entry.extents;
        return read_file_at(from_, entry, work_.cancel, through);
    }

    // The logical bytes of a file, holes as zeros: these the archive leaves out, and the digest as
    // well.
    Result<void> pass(std::string_view bytes) {
        TRY(to_.write(bytes));
        const auto end = at_ + bytes.size();
        for (; extent_ < extents_.size() && extents_[extent_].first < end; ++extent_) {
            const auto [offset, length] = extents_[extent_];
            const auto from = std::max(offset, at_), to = std::min(offset + length, end);
            if (from < to)
                digest_.add(from, bytes.substr(from - at_, to - from));
            if (offset + length > end) // goes on in the next bytes
                break;
        }
        at_ += bytes.size();
        done_ += bytes.size();
        if (work_.progress)
            work_.progress(done_, total_);
        return {};
    }

    vault::Vault& from_;
    ArchiveWriter& to_;
    const Work& work_;
    std::uint64_t total_, done_ = 0, at_ = 0;
    Extents extents_;
    std::size_t extent_ = 0;
    std::map<std::uint64_t, std::string> links_; // first name of each file of several
    ArchiveReport report_;
    Notes notes_;
    Digest digest_;
};

Result<std::string> digest_of(int file, const io::Path& shown, const Cancellation& cancel) {
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED); // from the disk, not from memory
    auto reader = TRY(ArchiveReader::open(file, shown));
    Digest digest;
    while (const auto found = TRY(reader.next())) {
        TRY(cancel.check());
        digest.add(*found);
        for (auto stretch = TRY(reader.data()); !stretch.bytes.empty(); stretch = TRY(reader.data())) {
            TRY(cancel.check());
            digest.add(stretch.offset, stretch.bytes);
        }
    }
    return digest.finish();
}

// A file without a name as long as it is not whole: whatever kills the export leaves nothing behind.
// Where the file system has no such files, one with a hidden name.
class NewFile {
  public:
    static Result<NewFile> make(const io::Path& to) {
        TRY(must_be_free(to));
        const auto folder = to.has_parent_path() ? to.parent_path() : io::Path(".");
        TRY(io::make_folder(folder));
        io::Descriptor nameless(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (nameless.open())
            return NewFile(std::move(nameless), {}, to, folder);
        const auto beside = folder / fmt::format(".{}.{}", to.filename().string(), make_ulid(now()));
        return NewFile(TRY(io::open_new(beside)), beside, to, folder);
    }
    NewFile(NewFile&& other) noexcept
        : file_(std::move(other.file_)), beside_(std::exchange(other.beside_, {})), to_(other.to_),
          folder_(other.folder_) {}
    ~NewFile() {
        if (!beside_.empty())
            ::unlink(beside_.c_str());
    }
    int number() const { return file_.number(); }
    Result<void> get_name() {
        const auto own =
            beside_.empty() ? fmt::format("/proc/self/fd/{}", file_.number()) : beside_.string();
        if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, to_.c_str(), AT_SYMLINK_FOLLOW) != 0)
            return io::system_error("create", to_, errno);
        return io::sync_folder(folder_);
    }

  private:
    NewFile(io::Descriptor file, io::Path beside, io::Path to, io::Path folder)
        : file_(std::move(file)), beside_(std::move(beside)), to_(std::move(to)),
          folder_(std::move(folder)) {}
    io::Descriptor file_;
    io::Path beside_, to_, folder_;
};

} // namespace

Result<void> must_be_free(const io::Path& to) {
    if (!io::is_there(to))
        return {};
    auto error = io::system_error("create", to, EEXIST);
    error.fix = "name another file: an export writes over nothing";
    return error;
}

Result<ArchiveReport> export_archive(vault::Vault& from, const std::vector<Part>& parts,
                                     const io::Path& to, ArchiveForm form, const Work& work) {
    std::uint64_t total = 0;
    for (const auto& part : parts)
        total += part.record.size_bytes;
    auto file = TRY(NewFile::make(to));
    auto writer = TRY(ArchiveWriter::open(file.number(), to, form));
    Exporter exporter(from, writer, work, total);
    for (const auto& part : parts)
        TRY(exporter.add(part, parts.size() > 1).while_doing("export " + part.record.name));
    TRY(writer.finish());
    TRY(io::sync_file(file.number(), to));
    if (TRY(digest_of(file.number(), to, work.cancel)) != exporter.digest())
        return Error{ .kind = Kind::failed_check,
                      .why = fmt::format("{} reads back as something else than was written",
                                         printable(to.string())),
                      .fix = "nothing was left there; check the disk, or export to another one" };
    auto report = std::move(exporter.report());
    report.notes = exporter.notes().lines();
    report.archive_bytes = static_cast<std::uint64_t>(::lseek(file.number(), 0, SEEK_END));
    TRY(file.get_name());
    return report;
}

} // namespace respawn::component
