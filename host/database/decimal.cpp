#include "database/decimal.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::database {

namespace {

constexpr int most_digits = 38;
constexpr int most_exponent = 400; // what a double can have, and no text of a megabyte from "1e999999"

constexpr __int128 power_of_ten(int exponent) {
    __int128 power = 1;
    for (; exponent > 0; --exponent)
        power *= 10;
    return power;
}

Error too_long() {
    return { .kind = Kind::unsupported,
             .why = fmt::format("an exact number would need more than {} digits", most_digits),
             .fix = "round first (decimal_round), or take floating point: cast(… as real)" };
}

bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }

// A number without its point: ±digits / 10^scale; no zeros in front.
struct WrittenNumber {
    bool negative = false;
    std::string digits;
    int scale = 0; // below zero: so many zeros follow
};

std::size_t count_digits(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_decimal_digit) - text.begin());
}

std::optional<int> read_exponent(std::string_view text) {
    if (text.starts_with('+') && text.size() > 1 && is_decimal_digit(text[1]))
        text.remove_prefix(1);
    int exponent = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    const bool whole = fault == std::errc() && end == text.data() + text.size();
    return whole && std::abs(exponent) <= most_exponent ? std::optional(exponent) : std::nullopt;
}

std::optional<WrittenNumber> read_written(std::string_view text) {
    WrittenNumber number;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        number.negative = text[0] == '-';
        text.remove_prefix(1);
    }
    const auto before = count_digits(text);
    number.digits = text.substr(0, before);
    text.remove_prefix(before);
    if (text.starts_with('.')) {
        const auto behind = count_digits(text.substr(1));
        number.digits += text.substr(1, behind);
        number.scale = static_cast<int>(std::min<std::size_t>(behind, INT32_MAX / 2));
        text.remove_prefix(behind + 1);
    }
    if (number.digits.empty())
        return std::nullopt;
    if (text.starts_with('e') || text.starts_with('E')) {
        const auto exponent = read_exponent(text.substr(1));
        if (!exponent)
            return std::nullopt;
        number.scale -= *exponent;
        text = {};
    }
    if (!text.empty())
        return std::nullopt;
    number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
    return number;
}

// Digits before the point; zero or less for 0.00…
std::int64_t magnitude(const WrittenNumber& number) {
    return static_cast<std::int64_t>(number.digits.size()) - number.scale;
}

int compare_sizes(const WrittenNumber& a, const WrittenNumber& b) {
    if (a.digits.empty() || b.digits.empty())
        return static_cast<int>(!a.digits.empty()) - static_cast<int>(!b.digits.empty());
    if (magnitude(a) != magnitude(b))
        return magnitude(a) < magnitude(b) ? -1 : 1;
    auto left = a.digits, right = b.digits;
    const auto length = std::max(left.size(), right.size());
    left.resize(length, '0');
    right.resize(length, '0');
    return left.compare(right);
}

int compare_written(const WrittenNumber& a, const WrittenNumber& b) {
    const bool a_below = a.negative && !a.digits.empty(), b_below = b.negative && !b.digits.empty();
    if (a_below != b_below)
        return a_below ? -1 : 1;
    return a_below ? compare_sizes(b, a) : compare_sizes(a, b);
}

} // namespace

Result<std::optional<Decimal>> Decimal::parse(std::string_view text) {
    auto written = read_written(text);
    if (!written)
        return std::optional<Decimal>();
    if (written->scale < 0) { // 1.5e3 is 1500
        if (!written->digits.empty() && written->digits.size() > most_digits + std::size_t{ 1 })
            return too_long();
        written->digits.append(static_cast<std::size_t>(-written->scale), '0');
        written->scale = 0;
        written->digits.erase(0,
                              std::min(written->digits.find_first_not_of('0'), written->digits.size()));
    }
    while (written->digits.size() > most_digits && written->scale > 0 &&
           written->digits.back() == '0') {
        written->digits.pop_back();
        --written->scale;
    }
    if (written->digits.size() > most_digits || written->scale > 2 * most_digits)
        return too_long();
    Digits digits = 0;
    for (const char digit : written->digits)
        digits = digits * 10 + (digit - '0');
    return std::optional(Decimal(written->negative ? -digits : digits, written->scale));
}

std::string Decimal::text() const {
    std::string digits;
    for (Digits left = absolute().digits_; left > 0; left /= 10)
        digits += static_cast<char>('0' + static_cast<int>(left % 10));
    while (digits.size() < static_cast<std::size_t>(scale_) + 1)
        digits += '0';
    if (scale_ > 0)
        digits.insert(static_cast<std::size_t>(scale_), ".");
    if (digits_ < 0)
        digits += '-';
    std::ranges::reverse(digits);
    return digits;
}

Result<Decimal> Decimal::checked(bool overflow, Digits digits, int scale) {
    const auto limit = power_of_ten(most_digits);
    if (overflow || digits >= limit || digits <= -limit || scale > 2 * most_digits)
        return too_long();
    return Decimal(digits, scale);
}

Result<std::pair<Decimal, Decimal>> Decimal::aligned(Decimal a, Decimal b) {
    for (auto* one : { &a, &b })
        while (one->scale_ < std::max(a.scale_, b.scale_)) {
            const bool overflow = __builtin_mul_overflow(one->digits_, Digits(10), &one->digits_);
            *one = TRY(checked(overflow, one->digits_, one->scale_ + 1));
        }
    return std::pair(a, b);
}

Result<Decimal> Decimal::add(const Decimal& a, const Decimal& b) {
    const auto [left, right] = TRY(aligned(a, b));
    return checked(false, left.digits_ + right.digits_, left.scale_); // each below 10^38: fits
}

Result<Decimal> Decimal::subtract(const Decimal& a, const Decimal& b) { return add(a, b.negative()); }

Result<Decimal> Decimal::multiply(const Decimal& a, const Decimal& b) {
    Digits product = 0;
    const bool overflow = __builtin_mul_overflow(a.digits_, b.digits_, &product);
    return checked(overflow, product, a.scale_ + b.scale_);
}

// Digit after digit, as on paper.
Result<Decimal> Decimal::divide(const Decimal& a, const Decimal& b) {
    const auto divisor = b.absolute().digits_;
    if (divisor >= power_of_ten(most_digits - 1))
        return too_long(); // ten times the remainder would not fit
    auto quotient = a.absolute().digits_ / divisor, rest = a.absolute().digits_ % divisor;
    for (int i = 0; i < b.scale_ + 4; ++i) {
        const bool overflow = __builtin_mul_overflow(quotient, Digits(10), &quotient);
        quotient += rest * 10 / divisor;
        rest = rest * 10 % divisor;
        TRY(checked(overflow, quotient, 0));
    }
    quotient += rest * 2 >= divisor ? 1 : 0;
    return checked(false, (a.digits_ < 0) != (b.digits_ < 0) ? -quotient : quotient, a.scale_ + 4);
}

Result<Decimal> Decimal::modulo(const Decimal& a, const Decimal& b) {
    const auto [left, right] = TRY(aligned(a, b));
    return Decimal(left.digits_ % right.digits_, left.scale_);
}

Decimal Decimal::rounded(int digits_behind_point) const {
    const int dropped = scale_ - std::max(digits_behind_point, 0);
    if (dropped <= 0)
        return *this;
    if (dropped > most_digits)
        return { 0, scale_ - dropped };
    const auto unit = power_of_ten(dropped);
    const auto size = absolute().digits_;
    const auto result = size / unit + (size % unit >= unit - size % unit ? 1 : 0);
    return { digits_ < 0 ? -result : result, scale_ - dropped };
}

bool is_decimal(std::string_view text) { return read_written(text).has_value(); }

int compare_decimals(std::string_view a, std::string_view b) {
    const auto left = read_written(a), right = read_written(b);
    if (left && right)
        return compare_written(*left, *right);
    if (left || right)
        return left ? -1 : 1;
    return a.compare(b);
}

} // namespace respawn::database
