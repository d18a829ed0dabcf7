// Documents: small sealed files whose name is part of what is sealed. Snapshots, index files and
// tombstones are such.
#pragma once

#include "vault/keys.h"

namespace respawn::vault {

// `magic` has four letters and says which kind; `use` names the key ("index", "snapshot").
std::string seal_document(const Keyring& keyring, std::string_view magic, std::string_view use,
                          std::string_view name, std::string_view plain);
Result<std::string> open_document(const Keyring& keyring, std::string_view magic, std::string_view use,
                                  std::string_view name, std::string_view bytes);

} // namespace respawn::vault
