// When check has last read each pack whole, kept in the cache folder, so that checks of a share come
// round to all packs.
#pragma once

#include "vault/state.h"

#include <unordered_map>

namespace respawn::vault {

using ReadTimes = std::unordered_map<PackId, std::int64_t, IdHash>; // microseconds since 1970
ReadTimes when_read(const Vault::State& state);
Result<void> note_when_read(const Vault::State& state, const ReadTimes& times);

} // namespace respawn::vault
