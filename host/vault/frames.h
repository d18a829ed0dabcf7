// Reading many blobs of one pack in few long reads.
#pragma once

#include "vault/state.h"

namespace respawn::vault {

// Hands on the frame of each row, sealed as it lies there. The rows lie in this pack, in the order of
// their offsets; what lies between them is skipped where that is worth it.
Result<void>
read_frames(Vault::State& vault, const PackRow& pack, std::span<const IndexRow> rows,
            const std::function<Result<void>(const IndexRow& row, std::string_view frame)>& take);

} // namespace respawn::vault
