// Exact numbers in SQLite, which knows none: functions, aggregates and a collation over their texts,
// under the names of SQLite's own decimal extension. They take whole numbers and texts that spell a
// number, and refuse floating point: what they give is exact, or an error.
//
//   decimal(X) decimal_add(X,Y) decimal_sub decimal_mul decimal_div decimal_mod decimal_neg(X)
//   decimal_abs(X) decimal_round(X[,N]) decimal_cmp(X,Y) decimal_sum(X) decimal_total(X) decimal_avg(X)
//   collation "decimal": numbers by their values, before all other text
#pragma once

#include "database/sqlite_connection.h"

namespace respawn::database {

Result<void> add_decimal_functions(SqliteConnection& connection);

} // namespace respawn::database
