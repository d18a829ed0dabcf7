#include "io/compress.h"

#include <fmt/format.h>
#include <zstd.h>

namespace respawn::io {

namespace {

constexpr int level = 3;

Error failed(std::size_t code) {
    return Error{ .kind = Kind::corrupt, .why = fmt::format("zstd: {}", ZSTD_getErrorName(code)) };
}

class Compressed final : public Source {
  public:
    explicit Compressed(std::unique_ptr<Source> plain)
        : plain_(std::move(plain)), context_(ZSTD_createCCtx()), buffer_(ZSTD_CStreamInSize(), '\0') {
        ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
    }
    ~Compressed() override { ZSTD_freeCCtx(context_); }

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        ZSTD_outBuffer out{ buffer, size, 0 };
        while (out.pos == 0 && !done_) {
            if (in_.pos == in_.size && !ended_) {
                const auto taken = TRY(plain_->read(buffer_.data(), buffer_.size()));
                in_ = { buffer_.data(), taken, 0 };
                ended_ = taken == 0;
            }
            const auto left =
                ZSTD_compressStream2(context_, &out, &in_, ended_ ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left))
                return failed(left);
            done_ = ended_ && left == 0;
        }
        return out.pos;
    }

  private:
    std::unique_ptr<Source> plain_;
    ZSTD_CCtx* context_;
    std::string buffer_;
    ZSTD_inBuffer in_{ nullptr, 0, 0 };
    bool ended_ = false, done_ = false;
};

class Decompressed final : public Source {
  public:
    explicit Decompressed(std::unique_ptr<Source> packed)
        : packed_(std::move(packed)), context_(ZSTD_createDCtx()), buffer_(ZSTD_DStreamInSize(), '\0') {
    }
    ~Decompressed() override { ZSTD_freeDCtx(context_); }

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        ZSTD_outBuffer out{ buffer, size, 0 };
        while (out.pos == 0) {
            if (in_.pos == in_.size) {
                const auto taken = TRY(packed_->read(buffer_.data(), buffer_.size()));
                if (taken == 0)
                    return frame_open_
                               ? Result<std::size_t>(Error{ .kind = Kind::corrupt,
                                                            .why = "the compressed bytes end early" })
                               : std::size_t{ 0 };
                in_ = { buffer_.data(), taken, 0 };
            }
            const auto left = ZSTD_decompressStream(context_, &out, &in_);
            if (ZSTD_isError(left))
                return failed(left);
            frame_open_ = left != 0;
        }
        return out.pos;
    }

  private:
    std::unique_ptr<Source> packed_;
    ZSTD_DCtx* context_;
    std::string buffer_;
    ZSTD_inBuffer in_{ nullptr, 0, 0 };
    bool frame_open_ = true;
};

} // namespace

std::unique_ptr<Source> compressed(std::unique_ptr<Source> plain) {
    return std::make_unique<Compressed>(std::move(plain));
}
std::unique_ptr<Source> decompressed(std::unique_ptr<Source> packed) {
    return std::make_unique<Decompressed>(std::move(packed));
}

} // namespace respawn::io
