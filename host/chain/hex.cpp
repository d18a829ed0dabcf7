#include "chain/hex.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::chain {

namespace {

constexpr std::size_t address_digits = 40, word_digits = 64;
constexpr std::string_view topic_zeros = "000000000000000000000000";

bool is_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits + 2 && text.starts_with("0x") &&
           std::all_of(text.begin() + 2, text.end(), is_hex_digit);
}

Error corrupt(std::string why) { return { .kind = Kind::corrupt, .why = std::move(why) }; }

int digit_of(char c) {
    int digit = 0;
    std::from_chars(&c, &c + 1, digit, 16);
    return digit;
}

// decimal = decimal * 16 + digit, with the decimal's lowest digit first.
void shift_in(std::string& decimal, int digit) {
    int carry = digit;
    for (auto& place : decimal) {
        carry += (place - '0') * 16;
        place = static_cast<char>('0' + carry % 10);
        carry /= 10;
    }
    for (; carry > 0; carry /= 10)
        decimal.push_back(static_cast<char>('0' + carry % 10));
}

} // namespace

std::string lower(std::string_view text) {
    std::string lowered(text);
    for (auto& c : lowered)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return lowered;
}

bool is_address(std::string_view text) { return is_hex(text, address_digits); }
bool is_hash(std::string_view text) { return is_hex(text, word_digits); }

Result<std::int64_t> from_quantity(std::string_view text) {
    std::int64_t number = 0;
    if (!text.starts_with("0x") || text.size() < 3 || !is_hex_digit(text[2])) // from_chars takes a sign
        return corrupt("a number is not written as 0x and hex digits");
    const auto [end, fault] = std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
    if (fault != std::errc() || end != text.data() + text.size())
        return corrupt("a number is too large or not written in hex digits");
    return number;
}

std::string to_quantity(std::int64_t number) { return fmt::format("{:#x}", number); }

Result<std::string> to_decimal(std::string_view word) {
    if (!is_hash(word))
        return corrupt("an amount is not a word of 32 bytes");
    std::string decimal;
    for (const char digit : word.substr(2))
        shift_in(decimal, digit_of(digit));
    std::reverse(decimal.begin(), decimal.end());
    return decimal.empty() ? std::string("0") : decimal;
}

std::string to_topic(std::string_view address) {
    return fmt::format("0x{}{}", topic_zeros, lower(address.substr(2)));
}

Result<std::string> from_topic(std::string_view topic) {
    if (!is_hash(topic) || topic.substr(2, topic_zeros.size()) != topic_zeros)
        return corrupt("a topic holds no address");
    return "0x" + lower(topic.substr(2 + topic_zeros.size()));
}

} // namespace respawn::chain
