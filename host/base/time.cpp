#include "base/time.h"

#include <charconv>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>

namespace respawn {

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

std::int64_t days_from_civil(int year, unsigned month, unsigned day_of_month) {
    const auto date =
        std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day_of_month);
    return std::chrono::sys_days(date).time_since_epoch().count();
}

Error bad_moment(std::string_view text) {
    return Error{
        .kind = Kind::usage,
        .why = fmt::format("'{}' is no time", text),
        .fix = "write 2026-11-21T10:30:00Z, 2026-11-21, yesterday or -2h (UTC unless a zone is given)"
    };
}

// Reads exactly `width` digits at the front of text and takes them away; -1 when they are not there.
int take_digits(std::string_view& text, std::size_t width) {
    int number = -1;
    if (text.size() < width)
        return -1;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + width, number);
    if (fault != std::errc() || end != text.data() + width)
        return -1;
    text.remove_prefix(width);
    return number;
}

bool take(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text[0]) == std::string_view::npos)
        return false;
    text.remove_prefix(1);
    return true;
}

bool take_date(std::string_view& text, std::int64_t& microseconds) {
    const int year = take_digits(text, 4);
    const int month = year >= 0 && take(text, "-") ? take_digits(text, 2) : -1;
    const int day_of_month = month >= 0 && take(text, "-") ? take_digits(text, 2) : -1;
    if (day_of_month < 0)
        return false;
    const auto date = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                      std::chrono::day(static_cast<unsigned>(day_of_month));
    if (!date.ok())
        return false;
    microseconds =
        days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day_of_month)) * day;
    return true;
}

bool take_fraction(std::string_view& text, std::int64_t& microseconds) {
    if (!take(text, "."))
        return true;
    std::int64_t unit = second / 10;
    bool any = false;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        microseconds += (text[0] - '0') * unit;
        unit /= 10;
        any = true;
        text.remove_prefix(1);
    }
    return any;
}

bool take_clock(std::string_view& text, std::int64_t& microseconds) {
    const int hours = take_digits(text, 2);
    const int minutes = hours >= 0 && take(text, ":") ? take_digits(text, 2) : -1;
    if (minutes < 0 || hours > 23 || minutes > 59)
        return false;
    int seconds = 0;
    if (take(text, ":") && ((seconds = take_digits(text, 2)) < 0 || seconds > 60))
        return false;
    microseconds += (hours * 3600LL + minutes * 60LL + seconds) * second;
    return take_fraction(text, microseconds);
}

bool take_zone(std::string_view& text, std::int64_t& microseconds) {
    if (text.empty() || take(text, "Zz"))
        return true;
    const bool behind = text[0] == '-';
    if (!take(text, "+-"))
        return false;
    const int hours = take_digits(text, 2);
    take(text, ":");
    const int minutes = take_digits(text, 2);
    if (hours < 0 || minutes < 0)
        return false;
    microseconds += (behind ? 1 : -1) * (hours * 3600LL + minutes * 60LL) * second;
    return true;
}

} // namespace

Moment now() {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return { time.tv_sec * second + time.tv_nsec / 1000 };
}

std::string to_rfc3339(Moment moment, bool seconds_only) {
    auto whole = moment.microseconds / second;
    auto fraction = moment.microseconds % second;
    if (fraction < 0) {
        fraction += second;
        --whole;
    }
    const auto seconds = static_cast<std::time_t>(whole);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900,
                            parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (fraction != 0 && !seconds_only)
        text += fmt::format(".{:06}", fraction);
    return text + "Z";
}

Result<Moment> from_rfc3339(std::string_view text) {
    auto rest = text;
    std::int64_t microseconds = 0;
    if (!take_date(rest, microseconds) || !take(rest, "Tt ") || !take_clock(rest, microseconds) ||
        !take_zone(rest, microseconds) || !rest.empty())
        return bad_moment(text);
    return Moment{ microseconds };
}

Result<Moment> parse_moment(std::string_view text, Moment present) {
    const auto today = present.microseconds - present.microseconds % day;
    if (text == "now")
        return present;
    if (text == "today")
        return Moment{ today };
    if (text == "yesterday")
        return Moment{ today - day };
    if (text.starts_with("-")) {
        const auto span = parse_duration(text.substr(1));
        return span.ok() ? Result<Moment>(present + -span.value()) : bad_moment(text);
    }
    auto rest = text;
    std::int64_t microseconds = 0;
    if (take_date(rest, microseconds) && rest.empty())
        return Moment{ microseconds };
    return from_rfc3339(text);
}

Result<Duration> parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::int64_t microseconds;
    };
    static constexpr Unit units[] = {
        { "us", 1 },          { "ms", 1000 },         { "s", second },
        { "m", 60 * second }, { "min", 60 * second }, { "h", 3600 * second },
        { "d", day },         { "w", 7 * day }
    };
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (fault == std::errc() && number >= 0 && number < 1'000'000'000)
        for (const auto& unit : units)
            if (unit.name == name)
                return Duration(number * unit.microseconds);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("'{}' is no duration", text),
                  .fix = "write 90s, 10m, 2h or 3d" };
}

std::string human_duration(Duration span) {
    const auto microseconds = span.count();
    if (microseconds < 0)
        return "-" + human_duration(-span);
    if (microseconds < 1000)
        return fmt::format("{} µs", microseconds);
    if (microseconds < second)
        return fmt::format("{} ms", microseconds / 1000);
    if (microseconds < 60 * second)
        return fmt::format("{:.1f} s", static_cast<double>(microseconds) / second);
    const auto minutes = microseconds / (60 * second);
    if (const auto seconds = microseconds / second % 60; minutes < 60)
        return seconds == 0 ? fmt::format("{} min", minutes)
                            : fmt::format("{} min {} s", minutes, seconds);
    if (minutes < 48 * 60)
        return fmt::format("{} h {} min", minutes / 60, minutes % 60);
    return fmt::format("{} d {} h", minutes / 1440, minutes / 60 % 24);
}

} // namespace respawn
