#include "vault/state.h"

namespace respawn::vault {

namespace {

constexpr std::size_t row = 32, checksum = 32, largest = 64 << 20;

io::Path file_of(const Vault::State& state) { return state.cache / "damaged"; }

} // namespace

// A file that is lost or broken means that check has to find the damage again.
BadPlaces read_bad_places(const Vault::State& state) {
    BadPlaces places;
    const auto file = io::read_file(file_of(state), largest);
    if (!file.ok() || file.value().size() < checksum)
        return places;
    std::string_view rows(file.value());
    const auto seal = rows.substr(0, checksum);
    rows.remove_prefix(checksum);
    if (crypto::hmac_sha256(cache_key(state.keyring), rows) != seal)
        return places;
    for (; rows.size() >= row; rows.remove_prefix(row))
        places.emplace(id_from<PackId>(rows.substr(0, 16)), id_from<ChunkId>(rows.substr(16, 16)));
    return places;
}

Result<void> write_bad_places(const Vault::State& state, const BadPlaces& places) {
    if (places == read_bad_places(state))
        return {};
    if (places.empty())
        return io::remove_durably(file_of(state));
    std::string rows;
    for (const auto& [pack, blob] : places)
        rows.append(view(pack)).append(view(blob));
    return io::replace_durably(file_of(state),
                               crypto::hmac_sha256(cache_key(state.keyring), rows) + rows);
}

} // namespace respawn::vault
