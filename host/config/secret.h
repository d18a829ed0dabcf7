// Secrets by reference: ${env:NAME} and ${file:PATH}.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "io/file.h"

#include <string>
#include <string_view>

namespace respawn::config {

bool looks_like_reference(std::string_view text);

// What a reference stands for. Kind::usage when it is none, or when the variable or file is missing or
// empty; never shows what it found. `warning` says when others may read the file.
Result<Secret> look_up(std::string_view reference, const io::Path& folder, std::string& warning);

} // namespace respawn::config
