#include "config/size.h"

#include <charconv>
#include <limits>

namespace respawn::config {

namespace {

struct SizeUnit {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr SizeUnit size_units[] = {
    { "", 1 },
    { "B", 1 },
    { "KiB", 1ULL << 10 },
    { "MiB", 1ULL << 20 },
    { "GiB", 1ULL << 30 },
    { "TiB", 1ULL << 40 },
    { "KB", 1'000 },
    { "MB", 1'000'000 },
    { "GB", 1'000'000'000 },
    { "TB", 1'000'000'000'000 },
};

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || number == 0)
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' '))
        text.remove_prefix(1);
    for (const auto& unit : size_units)
        if (unit.name == text && number <= std::numeric_limits<std::uint64_t>::max() / unit.bytes)
            return number * unit.bytes;
    return std::nullopt;
}

} // namespace respawn::config
