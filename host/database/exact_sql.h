// SQL over columns of exact numbers, for SQLite, which would compute with them in floating point: its
// operators and functions become those of decimal_functions.h wherever an exact number may be among
// their operands. What they cannot compute exactly is refused; everything else stays as it was written.
#pragma once

#include "base/result.h"

#include <set>
#include <string>
#include <string_view>

namespace respawn::database {

// All in lower case. A name may be in both, where tables differ.
struct ColumnNames {
    std::set<std::string> exact; // declared TEXT COLLATE decimal; their cells are texts or null
    std::set<std::string> other;
};

// Kind::unsupported for what would not be exact. The statement is one that SQLite understands.
Result<std::string> exact_sql(std::string_view sql, const ColumnNames& names);

} // namespace respawn::database
