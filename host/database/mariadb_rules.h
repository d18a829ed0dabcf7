// What text SQL on MariaDB and MySQL may say.
#pragma once

#include "database/only_reads.h"

namespace respawn::database {

const ReadingRules& mariadb_reading_rules();

} // namespace respawn::database
