// What is needed of packs that are mostly unused is copied into new packs, each opened and read back
// before it counts.
#pragma once

#include "vault/prune_plan.h"

namespace respawn::vault {

struct Repacked {
    PackSet copied; // nothing of these is needed any more
    PackSet fresh;  // written and read back
    std::uint64_t written_bytes = 0;
    std::vector<std::string> notes;
};
// Packs and index files of what was copied are durable when this returns. A pack in which something
// needed cannot be opened is left as it is.
Result<Repacked> repack(Vault::State& vault, Lease& lease, const Survey& survey, const PackUse& use,
                        const std::vector<std::uint32_t>& packs, const Cancellation& cancel);

} // namespace respawn::vault
