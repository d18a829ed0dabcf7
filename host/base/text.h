// Small texts for people: sizes, spans, escaping, the nearest known word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace respawn {

// Control characters (terminal escapes among them) as \n, \t or \xNN, so that foreign text can be
// shown. Well-formed UTF-8 is kept; other bytes become \xNN.
std::string printable(std::string_view text);

// "512 B", "4.0 KiB", "1.2 GiB".
std::string human_size(std::uint64_t bytes);
// "1 row", "3 rows", "1 match", "2 matches", "1 entry", "2 entries".
std::string counted(std::uint64_t count, std::string_view noun);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trimmed(std::string_view text);

// The candidate nearest to a mistyped word by edit distance, or empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// True when name matches a shell pattern (*, ?, [..]); a '*' also matches '/' only when written "**".
bool matches_pattern(std::string_view name, std::string_view pattern);

} // namespace respawn
