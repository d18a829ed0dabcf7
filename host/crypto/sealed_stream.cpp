#include "crypto/sealed_stream.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstring>

namespace respawn::crypto {

namespace {

constexpr std::string_view magic = "RSPN-STREAM-1\n";
constexpr std::size_t salt_size = 16;
constexpr std::size_t chunk_size = 65'536;

Key stream_key(const Key& key, std::string_view salt) {
    return derive(key, "stream " + std::string(salt));
}

std::string nonce_of(std::uint64_t number, bool last) {
    return ByteWriter().u64(number).u32(last ? 1 : 0).take();
}

// Hands out what refill() makes, chunk by chunk.
class Chunked : public io::Source {
  public:
    Result<std::size_t> read(char* buffer, std::size_t size) override {
        while (used_ == ready_.size()) {
            if (done_)
                return std::size_t{ 0 };
            ready_ = TRY(refill());
            used_ = 0;
        }
        const auto taken = std::min(size, ready_.size() - used_);
        std::memcpy(buffer, ready_.data() + used_, taken);
        used_ += taken;
        return taken;
    }

  protected:
    virtual Result<std::string> refill() = 0;
    bool done_ = false;

  private:
    std::string ready_;
    std::size_t used_ = 0;
};

class Sealed final : public Chunked {
  public:
    Sealed(const Key& key, std::unique_ptr<io::Source> plain)
        : plain_(std::move(plain)), salt_(random_bytes(salt_size)), key_(stream_key(key, salt_)) {}

  private:
    Result<std::string> refill() override {
        std::string chunk(chunk_size, '\0');
        chunk.resize(TRY(io::read_fully(*plain_, chunk.data(), chunk.size())));
        done_ = chunk.size() < chunk_size;
        const auto head = number_ == 0 ? std::string(magic) + salt_ : std::string();
        return head + seal(key_, nonce_of(number_++, done_), {}, chunk);
    }

    std::unique_ptr<io::Source> plain_;
    std::string salt_;
    Key key_;
    std::uint64_t number_ = 0;
};

class Opened final : public Chunked {
  public:
    Opened(const Key& key, std::unique_ptr<io::Source> sealed)
        : sealed_(std::move(sealed)), key_(key) {}

  private:
    Result<std::string> refill() override {
        if (number_ == 0)
            TRY(read_head());
        std::string chunk(chunk_size + tag_size, '\0');
        chunk.resize(TRY(io::read_fully(*sealed_, chunk.data(), chunk.size())));
        done_ = chunk.size() < chunk_size + tag_size;
        auto plain = TRY(open(key_, nonce_of(number_++, done_), {}, chunk));
        if (done_)
            TRY(must_be_at_end());
        return plain;
    }

    Result<void> read_head() {
        std::string head(magic.size() + salt_size, '\0');
        if (TRY(io::read_fully(*sealed_, head.data(), head.size())) != head.size() ||
            !head.starts_with(magic))
            return Error{ .kind = Kind::corrupt, .why = "this is no stream that respawn encrypted" };
        key_ = stream_key(key_, head.substr(magic.size()));
        return {};
    }

    Result<void> must_be_at_end() {
        char more = 0;
        if (TRY(sealed_->read(&more, 1)) != 0)
            return Error{ .kind = Kind::corrupt, .why = "bytes follow where the stream should end" };
        return {};
    }

    std::unique_ptr<io::Source> sealed_;
    Key key_;
    std::uint64_t number_ = 0;
};

} // namespace

std::unique_ptr<io::Source> sealed_stream(const Key& key, std::unique_ptr<io::Source> plain) {
    return std::make_unique<Sealed>(key, std::move(plain));
}
std::unique_ptr<io::Source> opened_stream(const Key& key, std::unique_ptr<io::Source> sealed) {
    return std::make_unique<Opened>(key, std::move(sealed));
}

} // namespace respawn::crypto
