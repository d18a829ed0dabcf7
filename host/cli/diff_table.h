// Comparing the rows of a table in two backups, or in a backup and the live database.
#pragma once

#include "cli/opening.h"

namespace respawn::cli {

// What `diff A B --table TABLE` does; B may be "live".
Result<int> diff_table(const Context& context);

} // namespace respawn::cli
