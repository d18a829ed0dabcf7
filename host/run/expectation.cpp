#include "run/expectation.h"

#include "base/text.h"
#include "database/decimal.h"

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

namespace respawn::run {

namespace {

bool same(const std::string& a, const std::string& b) {
    if (database::is_decimal(a) && database::is_decimal(b))
        return database::compare_decimals(a, b) == 0;
    return a == b;
}

// A share is a rough measure: floating point will do.
bool is_near(const std::string& found, const std::string& before, double share) {
    if (!database::is_decimal(found) || !database::is_decimal(before))
        return found == before;
    const double is = std::strtod(found.c_str(), nullptr), was = std::strtod(before.c_str(), nullptr);
    return std::abs(is - was) <= share * std::abs(was);
}

} // namespace

std::string to_text(const config::Expected& expected) {
    if (expected.equals)
        return printable(*expected.equals);
    if (expected.within)
        return fmt::format("within {:g}% of the backup before", *expected.within * 100);
    return expected.between.empty()
               ? std::string()
               : fmt::format("between {} and {}", expected.between[0], expected.between[1]);
}

bool holds(const config::Expected& expected, const Value& found, const Value& before) {
    const auto text = plain_text(found);
    if (expected.equals)
        return same(text, *expected.equals);
    if (expected.within)
        return before.is_null() || is_near(text, plain_text(before), *expected.within);
    return expected.between.size() == 2 && database::is_decimal(text) &&
           database::compare_decimals(expected.between[0], text) <= 0 &&
           database::compare_decimals(text, expected.between[1]) <= 0;
}

std::string plain_text(const Value& value) {
    if (const auto* text = value.text())
        return *text;
    if (const auto* real = value.real())
        return fmt::format("{}", *real);
    return respawn::to_text(value);
}

} // namespace respawn::run
