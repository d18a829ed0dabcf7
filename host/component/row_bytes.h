// A row as bytes, and its key as bytes that sort like the key (docs/vault-format.md, Rows of a table).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::component {

// ---- rows ----

using Cell = std::optional<std::string_view>; // none: NULL

void append_cell(std::string& row, Cell cell);
// Exactly `count` cells, which point into the row; Kind::corrupt for anything else.
Result<std::vector<Cell>> cells_of(std::string_view row, std::size_t count);
// The same into a vector that is used again.
Result<void> cells_of(std::string_view row, std::size_t count, std::vector<Cell>& cells);

// ---- keys ----

// Each appends one column of a key. Compared by their bytes, keys with the same columns sort by one
// column after the other: NULL, then numbers by their size, signed or not, then bytes by their bytes.
void append_key_null(std::string& key);
void append_key(std::string& key, std::int64_t number);
void append_key(std::string& key, std::uint64_t number);
void append_key(std::string& key, std::string_view bytes);

// ---- lengths ----

// Seven bits a byte, the lowest first, the eighth set in all but the last.
void append_length(std::string& to, std::uint64_t length);
// Takes one off the front; Kind::corrupt when it is cut short or longer than it need be.
Result<std::uint64_t> take_length(std::string_view& from);
// Takes that many bytes off the front.
Result<std::string_view> take_bytes(std::string_view& from, std::uint64_t size);

} // namespace respawn::component
