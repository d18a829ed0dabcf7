// Index files: which packs were written, what their bytes hash to and which blobs they hold. Small and
// many; each is sealed under an epoch's key.
#pragma once

#include "vault/format.h"
#include "vault/keys.h"

namespace respawn::vault {

std::string index_name(std::string_view id);                // 16 bytes to "index/3f…"
Result<std::string> index_from_name(std::string_view name); // Kind::corrupt for another name

std::string seal_index(const Keyring& keyring, std::string_view name,
                       const std::vector<PackRecord>& packs);
Result<std::vector<PackRecord>> open_index(const Keyring& keyring, std::string_view name,
                                           std::string_view bytes);

} // namespace respawn::vault
