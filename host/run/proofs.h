// When a location was last checked, and what came of it: kept in the state folder.
#pragma once

#include "run/places.h"

namespace respawn::run {

struct Proof {
    Moment at;
    std::string host;
    std::uint64_t damaged = 0; // objects
    double share = 1;          // of the packs that had been read lately
};

struct Proofs {
    std::optional<Proof> structure, data;
};
// Nothing where none was made, or its file is damaged.
Proofs read_proofs(const config::Config& config, const std::string& url);
Result<void> note_proof(const config::Config& config, const std::string& url, vault::CheckDepth depth,
                        const Proof& proof);

} // namespace respawn::run
