#include "component/packed_source.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <cstring>

namespace respawn::component {

namespace {

struct EndArchive {
    void operator()(archive* handle) const { archive_write_free(handle); }
};

class PackedSource final : public io::Source {
  public:
    static Result<std::unique_ptr<io::Source>> open(std::unique_ptr<io::Source> plain,
                                                    Packing packing) {
        std::unique_ptr<PackedSource> opened(new PackedSource(std::move(plain)));
        TRY(opened->begin(packing));
        return std::unique_ptr<io::Source>(std::move(opened));
    }

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        while (at_ == packed_.size() && !ended_) {
            packed_.clear();
            at_ = 0;
            TRY(pack_more());
        }
        const auto taken = std::min(size, packed_.size() - at_);
        std::memcpy(buffer, packed_.data() + at_, taken);
        at_ += taken;
        return taken;
    }

  private:
    explicit PackedSource(std::unique_ptr<io::Source> plain)
        : plain_(std::move(plain)), handle_(archive_write_new()) {}

    static la_ssize_t take(archive*, void* self, const void* bytes, std::size_t size) {
        static_cast<PackedSource*>(self)->packed_.append(static_cast<const char*>(bytes), size);
        return static_cast<la_ssize_t>(size);
    }

    Result<void> begin(Packing packing) {
        auto* handle = handle_.get();
        archive_write_set_format_raw(handle);
        packing == Packing::gzip ? archive_write_add_filter_gzip(handle)
                                 : archive_write_add_filter_zstd(handle);
        archive_write_set_bytes_per_block(handle, 0);
        if (packing == Packing::gzip) // the same bytes each time
            archive_write_set_filter_option(handle, "gzip", "timestamp", nullptr);
        TRY(did(archive_write_open(handle, this, nullptr, take, nullptr)));
        auto* entry = archive_entry_new();
        archive_entry_set_filetype(entry, AE_IFREG);
        const int written = archive_write_header(handle, entry);
        archive_entry_free(entry);
        return did(written);
    }

    Result<void> pack_more() {
        const auto size = TRY(plain_->read(buffer_.data(), buffer_.size()));
        if (size > 0)
            return did(archive_write_data(handle_.get(), buffer_.data(), size) ==
                               static_cast<la_ssize_t>(size)
                           ? ARCHIVE_OK
                           : ARCHIVE_FATAL);
        ended_ = true;
        return did(archive_write_close(handle_.get()));
    }

    Result<void> did(int code) {
        if (code == ARCHIVE_OK)
            return {};
        const auto* why = archive_error_string(handle_.get());
        return Error{ .kind = Kind::io, .why = why ? why : "packing failed" };
    }

    std::unique_ptr<io::Source> plain_;
    std::string packed_, buffer_ = std::string(1 << 18, '\0');
    std::size_t at_ = 0;
    bool ended_ = false;
    std::unique_ptr<archive, EndArchive> handle_; // ends first: it may still write
};

} // namespace

Result<std::unique_ptr<io::Source>> packed(std::unique_ptr<io::Source> plain, Packing packing) {
    if (packing == Packing::none)
        return plain;
    return PackedSource::open(std::move(plain), packing);
}

} // namespace respawn::component
