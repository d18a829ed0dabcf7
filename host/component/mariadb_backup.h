// Takes a MariaDB or MySQL database into the vault as of one moment, table by table on several
// connections.
#pragma once

#include "component/component.h"

namespace respawn::component {

Result<vault::ComponentRecord> back_up_mariadb(const config::ComponentSettings& settings,
                                               vault::Writer& into, const Work& work);

} // namespace respawn::component
