// How a row of a MariaDB or MySQL table becomes the bytes that the vault keeps, and back.
#pragma once

#include "component/mariadb_schema.h"
#include "component/row_bytes.h"

#include <span>

namespace respawn::component {

// One row at a time; its views hold until the next one.
class RowShaper {
  public:
    explicit RowShaper(const ServerTable& table);
    // The cells as they were selected. Kind::corrupt for a number that is none.
    Result<void> take(std::span<const Cell> cells);
    std::string_view key() const { return key_; }
    std::string_view row() const { return row_; }
    std::span<const Cell> unique() const { return unique_; }

  private:
    const ServerTable& table_;
    std::string key_, row_;
    std::vector<std::string> unique_texts_;
    std::vector<Cell> unique_;
};

// The key of a row in which the key's columns have these cells; or its beginning, of the first columns.
Result<std::string> key_of_cells(const ServerTable& table, std::span<const Cell> cells,
                                 std::size_t columns = SIZE_MAX);
// What a further unique key is found by: the same for values that the column takes for equal, as far
// as ASCII goes; none where one of the cells is NULL.
std::optional<std::string> unique_text(const ServerTable& table, const ServerKey& key,
                                       std::span<const Cell> cells);

} // namespace respawn::component
