// What text SQL on PostgreSQL may say.
#pragma once

#include "database/only_reads.h"

namespace respawn::database {

const ReadingRules& postgres_reading_rules();

} // namespace respawn::database
