// The kind "mariadb": a database on a MariaDB or MySQL server.
#pragma once

#include "component/component.h"

namespace respawn::component {

std::unique_ptr<Component> open_mariadb(const config::ComponentSettings& settings);

} // namespace respawn::component
