// Snapshot files, and tombstones: what is left of a snapshot that was removed on purpose, so that a
// gap in a writer's numbers can be told from a loss.
#pragma once

#include "base/value.h"
#include "vault/keys.h"

namespace respawn::vault {

std::string seal_snapshot(const Keyring& keyring, std::string_view id, std::string_view encoded);
// Its plain bytes, as they were encoded.
Result<std::string> open_snapshot_document(const Keyring& keyring, std::string_view id,
                                           std::string_view bytes);
Result<Snapshot> open_snapshot(const Keyring& keyring, std::string_view id, std::string_view bytes);

// "snapshots/01j….copy": written where the file itself is damaged, since a name is created only once.
std::string snapshot_copy_name(std::string_view id);
std::string seal_snapshot_copy(const Keyring& keyring, std::string_view id, std::string_view encoded);
Result<Snapshot> open_snapshot_copy(const Keyring& keyring, std::string_view id,
                                    std::string_view bytes);

std::string tombstone_name(std::string_view writer, std::uint64_t number); // "tombstones/01j…-7"
std::string seal_tombstone(const Keyring& keyring, std::string_view name, const Value& about);
Result<Value> open_tombstone(const Keyring& keyring, std::string_view name, std::string_view bytes);

} // namespace respawn::vault
