#include "crypto/recovery_key.h"

#include <fmt/format.h>

namespace respawn::crypto {

namespace {

constexpr std::size_t groups = 17, group_digits = 6, groups_a_line = 4;
constexpr unsigned check_factor = 11; // one wrong digit, or two exchanged ones, give no multiple of it

Error mistyped(std::string why) {
    return Error{ .kind = Kind::usage,
                  .why = std::move(why),
                  .fix = "compare it with what was written down, digit by digit, and type it again" };
}

std::string key_and_check(const Key& key) {
    return std::string(key.bytes()) + sha256(key.bytes()).substr(0, 2);
}

Result<std::string> digits_of(std::string_view text) {
    std::string digits;
    for (const char letter : text)
        if (letter >= '0' && letter <= '9')
            digits += letter;
        else if (std::string_view(" \t\r\n-").find(letter) == std::string_view::npos)
            return mistyped("a recovery key has digits only, in groups of six");
    if (digits.size() != groups * group_digits)
        return mistyped(fmt::format("a recovery key has {} digits, this has {}", groups * group_digits,
                                    digits.size()));
    return digits;
}

} // namespace

std::string recovery_digits(const Key& key) {
    const auto bytes = key_and_check(key);
    std::string text;
    for (std::size_t group = 0; group < groups; ++group) {
        const auto high = static_cast<unsigned char>(bytes[2 * group]);
        const auto low = static_cast<unsigned char>(bytes[2 * group + 1]);
        if (group > 0)
            text += group % groups_a_line == 0 ? '\n' : ' ';
        text += fmt::format("{:06}", (high * 256U + low) * check_factor);
    }
    return text;
}

Result<Key> key_from_digits(std::string_view text) {
    const auto digits = TRY(digits_of(text));
    std::string bytes;
    for (std::size_t group = 0; group < groups; ++group) {
        unsigned number = 0;
        for (const char digit : digits.substr(group * group_digits, group_digits))
            number = number * 10 + static_cast<unsigned>(digit - '0');
        if (number % check_factor != 0 || number / check_factor > 0xffff)
            return mistyped(fmt::format("group {} of the recovery key is mistyped", group + 1));
        bytes += static_cast<char>(number / check_factor >> 8);
        bytes += static_cast<char>(number / check_factor & 0xff);
    }
    auto key = TRY(Key::from_bytes(std::string_view(bytes).substr(0, Key::size)));
    if (key_and_check(key) != bytes)
        return mistyped("a group of the recovery key is mistyped, or two changed places");
    return key;
}

} // namespace respawn::crypto
