#include "vault/read_times.h"

#include "base/bytes.h"

namespace respawn::vault {

namespace {

constexpr std::size_t time_row = 24, times_checksum = 32, largest_times = 256 << 20;

io::Path times_file(const Vault::State& state) { return state.cache / "read-times"; }

} // namespace

// A file that is lost or broken means that no pack is known to have been read.
ReadTimes when_read(const Vault::State& state) {
    ReadTimes times;
    const auto file = io::read_file(times_file(state), largest_times);
    if (!file.ok() || file.value().size() < times_checksum)
        return times;
    const std::string_view seal(file.value().data(), times_checksum);
    auto rows = std::string_view(file.value()).substr(times_checksum);
    if (crypto::hmac_sha256(cache_key(state.keyring), rows) != seal)
        return times;
    for (; rows.size() >= time_row; rows.remove_prefix(time_row))
        times[id_from<PackId>(rows.substr(0, 16))] =
            static_cast<std::int64_t>(ByteReader(rows.substr(16, 8)).u64().value());
    return times;
}

Result<void> note_when_read(const Vault::State& state, const ReadTimes& times) {
    ByteWriter writer;
    for (const auto& [pack, at] : times)
        writer.raw(view(pack)).u64(static_cast<std::uint64_t>(at));
    const auto rows = writer.take();
    return io::replace_durably(times_file(state),
                               crypto::hmac_sha256(cache_key(state.keyring), rows) + rows);
}

} // namespace respawn::vault
