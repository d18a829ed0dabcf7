// Comparing all tables of databases, a line a table.
#pragma once

#include "cli/opening.h"

namespace respawn::cli {

// What `diff A live` does: each table of the databases of a backup beside what is live now.
Result<int> diff_live_tables(const Context& context);

} // namespace respawn::cli
