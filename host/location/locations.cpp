#include "location/locations.h"

#include "base/text.h"
#include "location/kinds.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::location {

namespace {

constexpr std::size_t longest_name = 200;

bool is_part(std::string_view part) {
    return !part.empty() && part.front() != '.' &&
           part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos;
}

Error unknown_scheme(std::string_view url) {
    return Error{
        .kind = Kind::usage,
        .why = fmt::format("{} is no location this version knows", printable(url)),
        .fix = "write a folder (file:///var/backups/game, or /var/backups/game) or memory:NAME"
    };
}

// %20 and the like stay as they are written: a folder's bytes are taken literally.
Result<std::shared_ptr<Location>> open_folder(std::string_view path, std::string_view url) {
    if (path.empty() || path.find('\0') != std::string_view::npos)
        return unknown_scheme(url);
    return local_location(std::filesystem::absolute(path).lexically_normal());
}

} // namespace

Result<void> must_be_name(std::string_view name) {
    const auto parts = split(name, '/');
    if (name.size() <= longest_name && std::all_of(parts.begin(), parts.end(), is_part))
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("\"{}\" is no name for a file of a vault", printable(name)) };
}

Error taken(std::string_view name, std::string_view url) {
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} in {} is there already, with other bytes", name, url) };
}

Error not_there(std::string_view name, std::string_view url) {
    return Error{ .kind = Kind::missing, .why = fmt::format("{} is not in {}", name, url) };
}

Result<std::shared_ptr<Location>> open_location(std::string_view url) {
    constexpr std::string_view file = "file://", memory = "memory:";
    if (url.starts_with(memory))
        return memory_location(url.substr(memory.size()));
    if (url.starts_with(file) && url.substr(file.size()).starts_with('/'))
        return open_folder(url.substr(file.size()), url);
    if (url.find("://") != std::string_view::npos)
        return unknown_scheme(url);
    return open_folder(url, url);
}

io::Path local_folder(std::string_view url) {
    constexpr std::string_view file = "file://";
    if (url.starts_with("memory:") ||
        (url.find("://") != std::string_view::npos && !url.starts_with(file)))
        return {};
    return std::filesystem::absolute(url.starts_with(file) ? url.substr(file.size()) : url)
        .lexically_normal();
}

} // namespace respawn::location
