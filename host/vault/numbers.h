// The highest number of each writer that was seen at a location, kept in the cache folder: a location
// that was put back to an older state is noticed, also when all that is left in it fits together.
#pragma once

#include "vault/state.h"

#include <map>

namespace respawn::vault {

using WriterHighest = std::map<std::string, std::uint64_t, std::less<>>; // by writer

// What is remembered; nothing of another vault.
WriterHighest known_numbers(const Vault::State& state);
// Raises what is remembered.
Result<void> note_numbers(const Vault::State& state, const WriterHighest& seen);
Result<void> note_number(const Vault::State& state, const std::string& writer, std::uint64_t number);

} // namespace respawn::vault
