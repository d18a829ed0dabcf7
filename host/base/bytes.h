// Bytes and the plain little-endian encoding that every file format and message of respawn uses.
// Bytes are kept in std::string and passed as std::string_view.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace respawn {

std::string to_hex(std::string_view bytes);
// Kind::corrupt when the text has an odd length or a character that is no hex digit.
Result<std::string> from_hex(std::string_view text);

// Appends fixed-width little-endian numbers and length-prefixed strings to a byte string.
class ByteWriter {
  public:
    ByteWriter& u8(std::uint8_t number);
    ByteWriter& u16(std::uint16_t number);
    ByteWriter& u32(std::uint32_t number);
    ByteWriter& u64(std::uint64_t number);
    ByteWriter& i64(std::int64_t number) { return u64(static_cast<std::uint64_t>(number)); }
    ByteWriter& raw(std::string_view bytes);  // the bytes alone
    ByteWriter& text(std::string_view bytes); // u32 length, then the bytes
    const std::string& bytes() const { return bytes_; }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

// Reads what ByteWriter wrote, from bytes that may be hostile: every read past the end is
// Kind::corrupt. The views it hands out point into the bytes it was given.
class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
    Result<std::uint8_t> u8();
    Result<std::uint16_t> u16();
    Result<std::uint32_t> u32();
    Result<std::uint64_t> u64();
    Result<std::int64_t> i64();
    Result<std::string_view> raw(std::size_t length);
    Result<std::string_view> text();
    bool at_end() const { return rest_.empty(); }
    std::size_t left() const { return rest_.size(); }
    // Kind::corrupt when bytes are left over.
    Result<void> must_be_at_end() const;

  private:
    std::string_view rest_;
};

} // namespace respawn
