#include "io/gunzip.h"

#include <algorithm>
#include <climits>
#include <fmt/format.h>
#include <zlib.h>

namespace respawn::io {

namespace {

constexpr int gzip_alone = 16 + MAX_WBITS; // with checksum and length looked at
constexpr std::size_t packed_at_once = 1 << 17;

class Gunzipped final : public Source {
  public:
    explicit Gunzipped(std::unique_ptr<Source> packed)
        : packed_(std::move(packed)), buffer_(packed_at_once, '\0') {
        begun_ = ::inflateInit2(&stream_, gzip_alone) == Z_OK;
    }
    Gunzipped(const Gunzipped&) = delete;
    ~Gunzipped() override {
        if (begun_)
            ::inflateEnd(&stream_);
    }

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        if (!begun_)
            return Error{ .kind = Kind::io, .why = "there is no memory to unpack with" };
        stream_.next_out = reinterpret_cast<Bytef*>(buffer);
        stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, UINT_MAX));
        const auto room = stream_.avail_out;
        while (room > 0 && stream_.avail_out == room && TRY(has_more()))
            TRY(unpack());
        return static_cast<std::size_t>(room - stream_.avail_out);
    }

  private:
    // False at the end, which is only between members.
    Result<bool> has_more() {
        if (stream_.avail_in > 0)
            return true;
        const auto taken = TRY(packed_->read(buffer_.data(), buffer_.size()));
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_in = static_cast<uInt>(taken);
        if (taken == 0 && !between_)
            return Error{ .kind = Kind::corrupt, .why = "the packed bytes end early" };
        return taken > 0;
    }

    Result<void> unpack() {
        between_ = false;
        const int code = ::inflate(&stream_, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            between_ = true;
            ::inflateReset(&stream_);
        } else if (code != Z_OK && code != Z_BUF_ERROR)
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("the packed bytes are damaged: {}",
                                             stream_.msg ? stream_.msg : "no gzip") };
        return {};
    }

    std::unique_ptr<Source> packed_;
    std::string buffer_;
    z_stream stream_{};
    bool begun_ = false, between_ = false; // two members, or at the end
};

} // namespace

std::unique_ptr<Source> gunzipped(std::unique_ptr<Source> packed) {
    return std::make_unique<Gunzipped>(std::move(packed));
}

} // namespace respawn::io
