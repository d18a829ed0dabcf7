#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fnmatch.h>
#include <numeric>

namespace respawn {

namespace {

// The length of the well-formed UTF-8 sequence of at least two bytes that text begins with, else 0.
std::size_t utf8_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || text.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
            return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool outside = (lead == 0xed && second >= 0xa0) || (lead == 0xf4 && second >= 0x90);
    const bool c1_control = lead == 0xc2 && second < 0xa0;
    return overlong || outside || c1_control ? 0 : length;
}

} // namespace

std::string printable(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text[0]);
        const std::size_t length = utf8_length(text);
        if (length > 0)
            shown.append(text.substr(0, length));
        else if (byte == '\n')
            shown += "\\n";
        else if (byte == '\t')
            shown += "\\t";
        else if (byte < 0x20 || byte >= 0x7f)
            shown += fmt::format("\\x{:02x}", byte);
        else
            shown.push_back(text[0]);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return shown;
}

std::string human_size(std::uint64_t bytes) {
    constexpr std::array units = { "KiB", "MiB", "GiB", "TiB", "PiB" };
    if (bytes < 1024)
        return fmt::format("{} B", bytes);
    double size = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (size /= 1024; size >= 1023.95 && unit + 1 < units.size(); ++unit)
        size /= 1024;
    return fmt::format("{:.1f} {}", size, units[unit]);
}

std::string counted(std::uint64_t count, std::string_view noun) {
    if (count == 1)
        return fmt::format("1 {}", noun);
    if (noun.ends_with("ch") || noun.ends_with("sh") || noun.ends_with("s") || noun.ends_with("x"))
        return fmt::format("{} {}es", count, noun);
    const bool vowel_before_y = noun.size() > 1 && std::string_view("aeiou").find(
                                                       noun[noun.size() - 2]) != std::string_view::npos;
    if (noun.ends_with("y") && !vowel_before_y)
        return fmt::format("{} {}ies", count, noun.substr(0, noun.size() - 1));
    return fmt::format("{} {}s", count, noun);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    return fmt::format("{}", fmt::join(parts, separator));
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({ above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1) });
            diagonal = above;
        }
    }
    return row[b.size()];
}

} // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        const auto distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

bool matches_pattern(std::string_view name, std::string_view pattern) {
    const int flags = pattern.find("**") == std::string_view::npos ? FNM_PATHNAME : 0;
    return fnmatch(std::string(pattern).c_str(), std::string(name).c_str(), flags) == 0;
}

} // namespace respawn
