#include "component/archive.h"

#include "base/text.h"
#include "component/archive_entry.h"

#include <archive.h>
#include <archive_entry.h>
#include <cerrno>
#include <clocale>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::size_t block = 1 << 20;

// libarchive asks the thread's locale what names are. In "C" it would refuse every name that is not
// ASCII.
class Utf8Names {
  public:
    Utf8Names() : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (utf8_)
            before_ = ::uselocale(utf8_);
    }
    Utf8Names(const Utf8Names&) = delete;
    ~Utf8Names() {
        if (!utf8_)
            return;
        ::uselocale(before_);
        ::freelocale(utf8_);
    }

  private:
    locale_t utf8_, before_ = nullptr;
};

struct FreeWriter {
    void operator()(archive* one) const { archive_write_free(one); }
};
struct FreeReader {
    void operator()(archive* one) const { archive_read_free(one); }
};
struct FreeEntry {
    void operator()(archive_entry* one) const { archive_entry_free(one); }
};
using EntryHandle = std::unique_ptr<archive_entry, FreeEntry>;

std::string said(archive* from) {
    const char* text = archive_error_string(from);
    return text ? printable(text) : "no reason given";
}

// libarchive has its own numbers for "no format of mine" and the like: negative, or none of errno's.
Error reading_error(archive* from, const io::Path& shown) {
    const int number = archive_errno(from);
    if (number == EIO || number == EISDIR)
        return io::system_error("read", shown, number);
    return { .kind = Kind::corrupt,
             .why = fmt::format("{} is damaged or no tar archive: {}", printable(shown.string()),
                                said(from)),
             .fix = "take another copy of the archive; nothing of this one was kept" };
}

} // namespace

std::optional<ArchiveForm> archive_form(const io::Path& file) {
    const auto name = file.filename().string();
    for (const auto& [end, form] :
         { std::pair{ ".tar", ArchiveForm::tar }, std::pair{ ".tar.gz", ArchiveForm::tar_gz },
           std::pair{ ".tgz", ArchiveForm::tar_gz }, std::pair{ ".tar.zst", ArchiveForm::tar_zst },
           std::pair{ ".tzst", ArchiveForm::tar_zst } })
        if (name.ends_with(end) && name.size() > std::string_view(end).size())
            return form;
    return {};
}

// ---- writing ----

struct ArchiveWriter::State {
    int file;
    io::Path shown;
    std::unique_ptr<archive, FreeWriter> handle{ archive_write_new() };
    EntryHandle entry{ archive_entry_new() };
    std::optional<Error> fault; // of the file itself

    static la_ssize_t take(archive* to, void* self, const void* bytes, std::size_t size) {
        auto& state = *static_cast<State*>(self);
        const std::string_view all(static_cast<const char*>(bytes), size);
        if (const auto written = io::write_fully(state.file, all, state.shown); !written.ok()) {
            state.fault = written.error();
            archive_set_error(to, EIO, "not written");
            return -1;
        }
        return static_cast<la_ssize_t>(size);
    }

    Result<void> must(la_ssize_t code) {
        if (code >= ARCHIVE_OK)
            return {};
        if (fault)
            return *fault;
        return Error{ .kind = Kind::io,
                      .why = fmt::format("could not write {}: {}", printable(shown.string()),
                                         said(handle.get())) };
    }
};

ArchiveWriter::ArchiveWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::open(int file, const io::Path& shown, ArchiveForm form) {
    auto state = std::make_unique<State>(State{ file, shown });
    auto* handle = state->handle.get();
    const Utf8Names names;
    TRY(state->must(archive_write_set_format_pax(handle)));
    // One copy of each attribute, under the name that GNU tar and bsdtar both read.
    TRY(state->must(archive_write_set_format_option(handle, "pax", "xattrheader", "SCHILY")));
    if (form == ArchiveForm::tar_gz)
        TRY(state->must(archive_write_add_filter_gzip(handle)));
    if (form == ArchiveForm::tar_zst)
        TRY(state->must(archive_write_add_filter_zstd(handle)));
    TRY(state->must(archive_write_set_bytes_per_block(handle, block)));
    TRY(state->must(archive_write_set_bytes_in_last_block(handle, 1))); // no zeros behind the end
    TRY(state->must(archive_write_open(handle, state.get(), nullptr, State::take, nullptr)));
    return ArchiveWriter(std::move(state));
}

Result<void> ArchiveWriter::begin(const ArchiveEntry& entry) {
    const Utf8Names names;
    archive_entry_clear(state_->entry.get());
    to_libarchive(entry, state_->entry.get());
    // A warning: a name that is no UTF-8 is written as bytes, and said to be that.
    const int code = archive_write_header(state_->handle.get(), state_->entry.get());
    return state_->must(code == ARCHIVE_WARN ? ARCHIVE_OK : code)
        .while_doing("export " + printable(entry.path));
}

Result<void> ArchiveWriter::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto taken = archive_write_data(state_->handle.get(), bytes.data(), bytes.size());
        TRY(state_->must(taken));
        if (taken == 0)
            return Error{ .kind = Kind::internal, .why = "the archive takes no more of this file" };
        bytes.remove_prefix(static_cast<std::size_t>(taken));
    }
    return {};
}

Result<void> ArchiveWriter::finish() {
    const Utf8Names names;
    return state_->must(archive_write_close(state_->handle.get()));
}

// ---- reading ----

struct ArchiveReader::State {
    io::Path shown;
    std::unique_ptr<archive, FreeReader> handle{ archive_read_new() };
};

ArchiveReader::ArchiveReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::open(int file, const io::Path& shown) {
    auto state = std::make_unique<State>(State{ shown });
    auto* handle = state->handle.get();
    const Utf8Names names;
    archive_read_support_format_tar(handle);
    archive_read_support_filter_gzip(handle);
    archive_read_support_filter_zstd(handle);
    if (::lseek(file, 0, SEEK_SET) < 0)
        return io::system_error("read", shown, errno);
    if (archive_read_open_fd(handle, file, block) != ARCHIVE_OK)
        return reading_error(handle, shown);
    return ArchiveReader(std::move(state));
}

namespace {

// A name that is no UTF-8 is handed on as the bytes it is, with a warning. Any other warning is
// something that was not understood, and what is kept of it would be something else.
bool is_only_a_name(archive* from) {
    return said(from).find("can't be converted from UTF-8") != std::string::npos;
}

} // namespace

Result<std::optional<ArchiveEntry>> ArchiveReader::next() {
    const Utf8Names names;
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(state_->handle.get(), &entry);
    if (code == ARCHIVE_EOF)
        return std::optional<ArchiveEntry>();
    if (code != ARCHIVE_OK && !(code == ARCHIVE_WARN && is_only_a_name(state_->handle.get())))
        return reading_error(state_->handle.get(), state_->shown);
    return std::optional(TRY(from_libarchive(entry)));
}

Result<ArchiveReader::Stretch> ArchiveReader::data() {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    do {
        const int code = archive_read_data_block(state_->handle.get(), &bytes, &size, &offset);
        if (code == ARCHIVE_EOF)
            return Stretch{};
        if (code != ARCHIVE_OK)
            return reading_error(state_->handle.get(), state_->shown);
    } while (size == 0);
    return Stretch{ static_cast<std::uint64_t>(offset), { static_cast<const char*>(bytes), size } };
}

std::uint64_t ArchiveReader::packed_bytes() const {
    return static_cast<std::uint64_t>(archive_filter_bytes(state_->handle.get(), -1));
}

} // namespace respawn::component
