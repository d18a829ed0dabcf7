// Exact decimal numbers: what DECIMAL, NUMERIC and unsigned 64-bit columns hold, as the texts that
// servers give. At most 38 digits; what would need more is an error, never rounded in silence.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace respawn::database {

class Decimal {
  public:
    // "12", "-0.50", "1.5e3"; nothing for a text that is no number. Kind::unsupported past 38 digits.
    static Result<std::optional<Decimal>> parse(std::string_view text);
    static Decimal whole(std::int64_t number) { return { number, 0 }; }
    // With the digits behind the point that it was made with: 1.50 + 1 is "2.50".
    std::string text() const;
    bool is_zero() const { return digits_ == 0; }

    static Result<Decimal> add(const Decimal& a, const Decimal& b);
    static Result<Decimal> subtract(const Decimal& a, const Decimal& b);
    static Result<Decimal> multiply(const Decimal& a, const Decimal& b);
    // With four digits more behind the point than a has, rounded from the exact quotient, as servers
    // do. b is not zero.
    static Result<Decimal> divide(const Decimal& a, const Decimal& b);
    static Result<Decimal> modulo(const Decimal& a, const Decimal& b);
    Decimal negative() const { return { -digits_, scale_ }; }
    Decimal absolute() const { return { digits_ < 0 ? -digits_ : digits_, scale_ }; }
    // Half away from zero; as it is when it has no more digits than that.
    Decimal rounded(int digits_behind_point) const;

  private:
    using Digits = __int128;
    Decimal(Digits digits, int scale) : digits_(digits), scale_(scale) {}
    static Result<Decimal> checked(bool overflow, Digits digits, int scale);
    static Result<std::pair<Decimal, Decimal>> aligned(Decimal a, Decimal b);
    Digits digits_; // digits_ / 10^scale_
    int scale_;
};

// True for a plain decimal number: digits, a sign, a point, an exponent; nothing else beside it.
bool is_decimal(std::string_view text);
// By their values, however many digits; what is no number comes behind all numbers, by its bytes.
int compare_decimals(std::string_view a, std::string_view b);

} // namespace respawn::database
