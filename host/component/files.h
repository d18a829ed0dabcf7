// The kind "files": files and folders.
#pragma once

#include "component/component.h"

namespace respawn::component {

std::unique_ptr<Component> open_files(const config::ComponentSettings& settings);

} // namespace respawn::component
