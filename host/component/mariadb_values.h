// The cells of a stored MariaDB or MySQL row as values, exactly as the live driver gives them
// (database/mariadb_connection.cpp), so that the two can be compared and one be written where the other
// is; and values as cells, which rows are looked up by. Not thread-safe.
#pragma once

#include "component/charset.h"
#include "component/mariadb_schema.h"
#include "component/row_bytes.h"
#include "component/snapshot_table.h"

namespace respawn::component {

// A value that a column is asked for.
struct AskedCell {
    bool possible = true;            // false: no cell of the column is ever this
    bool exact = true;               // a cell that is this has these bytes, and no others
    Value value;                     // as the column's own
    std::optional<std::string> cell; // its bytes; none for NULL
};

class ColumnValues {
  public:
    ColumnValues(const ServerTable& table, std::size_t column);

    Holds holds() const;
    // Cells that sort by the bytes of a key sort as compare_values() sorts their values.
    bool keeps_order() const;
    // Keys of both hold the same bytes for the same value.
    bool has_keys_of(const ColumnValues& other) const;

    // Text that cannot be converted is a Blob of the bytes that the server keeps.
    Value value(const Cell& cell);
    // A text finds the number or the moment that it spells.
    AskedCell asked(const Value& value);
    // As the column compares: text of a collation that takes cases for equal is told apart by neither
    // the case of ASCII letters nor by blanks at its end.
    bool is(const Cell& cell, const AskedCell& asked);

  private:
    enum class Form { whole, bits, exact, real, text, told, bytes }; // told: as the server tells it
    static Form form_of(const ServerColumn& column);
    AskedCell asked_number(const Value& value);
    AskedCell asked_decimal(const Value& value);
    AskedCell asked_text(const Value& value);
    AskedCell asked_moment(const Value& value);
    std::string folded(std::string text) const;

    Form form_;
    std::string type_, charset_name_;
    Charset charset_;
    bool is_unsigned_ = false, filled_ = false; // with zeros in front
    bool folds_case_ = false, folds_blanks_ = false;
    std::size_t digits_ = 0; // behind the point; of BIT: all
};

} // namespace respawn::component
