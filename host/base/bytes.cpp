#include "base/bytes.h"

namespace respawn {

namespace {

template <class Number> void put(std::string& bytes, Number number) {
    for (std::size_t i = 0; i < sizeof(Number); ++i)
        bytes.push_back(static_cast<char>(number >> (8 * i)));
}

template <class Number> Result<Number> get(std::string_view& rest) {
    if (rest.size() < sizeof(Number))
        return Error{ .kind = Kind::corrupt, .why = "the bytes end in the middle of a number" };
    Number number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
        number |=
            static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(rest[i])) << (8 * i));
    rest.remove_prefix(sizeof(Number));
    return number;
}

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

} // namespace

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const unsigned char byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

Result<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0)
        return Error{ .kind = Kind::corrupt, .why = "hex digits come in pairs, and one is missing" };
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return Error{ .kind = Kind::corrupt, .why = "a character is not a hex digit" };
        bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return bytes;
}

ByteWriter& ByteWriter::u8(std::uint8_t number) {
    put(bytes_, number);
    return *this;
}

ByteWriter& ByteWriter::u16(std::uint16_t number) {
    put(bytes_, number);
    return *this;
}

ByteWriter& ByteWriter::u32(std::uint32_t number) {
    put(bytes_, number);
    return *this;
}

ByteWriter& ByteWriter::u64(std::uint64_t number) {
    put(bytes_, number);
    return *this;
}

ByteWriter& ByteWriter::raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
}

ByteWriter& ByteWriter::text(std::string_view bytes) {
    return u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
}

Result<std::uint8_t> ByteReader::u8() { return get<std::uint8_t>(rest_); }
Result<std::uint16_t> ByteReader::u16() { return get<std::uint16_t>(rest_); }
Result<std::uint32_t> ByteReader::u32() { return get<std::uint32_t>(rest_); }
Result<std::uint64_t> ByteReader::u64() { return get<std::uint64_t>(rest_); }

Result<std::int64_t> ByteReader::i64() {
    return static_cast<std::int64_t>(TRY(get<std::uint64_t>(rest_)));
}

Result<std::string_view> ByteReader::raw(std::size_t length) {
    if (rest_.size() < length)
        return Error{ .kind = Kind::corrupt, .why = "the bytes end in the middle of a value" };
    const auto bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return bytes;
}

Result<std::string_view> ByteReader::text() { return raw(TRY(u32())); }

Result<void> ByteReader::must_be_at_end() const {
    if (!rest_.empty())
        return Error{ .kind = Kind::corrupt, .why = "bytes follow where the value should end" };
    return {};
}

} // namespace respawn
