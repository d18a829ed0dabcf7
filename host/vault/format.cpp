#include "vault/format.h"

#include "base/bytes.h"
#include "base/id.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

// ASCII alone, whatever the locale.
std::string in_case(std::string_view text, char first, char last, char to) {
    std::string changed(text);
    for (auto& letter : changed)
        if (letter >= first && letter <= last)
            letter = static_cast<char>(letter - first + to);
    return changed;
}

} // namespace

std::string to_hex(const ChunkId& id) { return respawn::to_hex(view(id)); }

std::string pack_name(const PackId& id) {
    const auto hex = respawn::to_hex(view(id));
    return fmt::format("packs/{}/{}", hex.substr(0, 2), hex);
}

Result<PackId> pack_from_name(std::string_view name) {
    const auto slash = name.rfind('/');
    const auto bytes = from_hex(name.substr(slash == std::string_view::npos ? 0 : slash + 1));
    if (bytes.ok() && bytes.value().size() == 16) {
        const auto id = id_from<PackId>(bytes.value());
        if (pack_name(id) == name)
            return id;
    }
    return damaged(fmt::format("{} is no name of a pack", name));
}

std::string snapshot_name(std::string_view snapshot) {
    return "snapshots/" + in_case(snapshot, 'A', 'Z', 'a');
}

std::string snapshot_from_name(std::string_view name) {
    const auto id = in_case(name.substr(std::min(name.size(), name.find('/') + 1)), 'a', 'z', 'A');
    return is_ulid(id) && snapshot_name(id) == name ? id : std::string();
}

Error damaged(std::string why) {
    return Error{ .kind = Kind::corrupt,
                  .why = std::move(why),
                  .fix = "run `respawn check --read-data` to see everything that is hurt" };
}

} // namespace respawn::vault
