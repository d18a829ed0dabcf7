// Streams of bytes: a Source is read from, a Sink written to. Neither is thread-safe.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace respawn::io {

struct Source {
    virtual ~Source() = default;
    // Fills at most `size` bytes of `buffer` and says how many; 0 means the end.
    virtual Result<std::size_t> read(char* buffer, std::size_t size) = 0;
    // How many bytes are to come, where that is known; else 0.
    virtual std::uint64_t rest() const { return 0; }
};

struct Sink {
    virtual ~Sink() = default;
    // Takes all bytes or fails.
    virtual Result<void> write(std::string_view bytes) = 0;
};

// Reads from bytes that must outlive it.
class TextSource final : public Source {
  public:
    explicit TextSource(std::string_view bytes) : rest_(bytes) {}
    Result<std::size_t> read(char* buffer, std::size_t size) override;
    std::uint64_t rest() const override { return rest_.size(); }

  private:
    std::string_view rest_;
};

// Collects what is written; fails with Kind::corrupt past `limit` bytes.
class TextSink final : public Sink {
  public:
    explicit TextSink(std::size_t limit = SIZE_MAX) : limit_(limit) {}
    Result<void> write(std::string_view bytes) override;
    const std::string& text() const { return text_; }
    std::string take() { return std::move(text_); }

  private:
    std::size_t limit_;
    std::string text_;
};

// Reads until `size` bytes are there or the source ends.
Result<std::size_t> read_fully(Source& source, char* buffer, std::size_t size);
// Everything, up to `limit` bytes (Kind::corrupt past it).
Result<std::string> read_all(Source& source, std::size_t limit = SIZE_MAX);
// Says how many bytes were copied.
Result<std::uint64_t> copy(Source& from, Sink& to);

} // namespace respawn::io
