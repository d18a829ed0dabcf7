#include "component/mariadb_rows.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::component {

namespace {

bool is_number(const ServerColumn& column) {
    return column.type == "tinyint" || column.type == "smallint" || column.type == "mediumint" ||
           column.type == "int" || column.type == "bigint" || column.type == "year";
}

template <class Number> Result<void> append_number(std::string& key, std::string_view digits) {
    Number number = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (fault != std::errc() || end != digits.data() + digits.size())
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("'{}' is no whole number", printable(digits)) };
    append_key(key, number);
    return {};
}

Result<void> append_key_cell(std::string& key, const ServerColumn& column, const Cell& cell) {
    if (!cell)
        append_key_null(key);
    else if (is_number(column))
        return column.is_unsigned ? append_number<std::uint64_t>(key, *cell)
                                  : append_number<std::int64_t>(key, *cell);
    else
        append_key(key, *cell);
    return {};
}

// Text that differs in the case of ASCII letters or in blanks at its end may be the same to the game.
std::string as_found(const ServerColumn& column, std::string_view cell) {
    if (column.charset.empty())
        return std::string(cell);
    std::string text(cell.substr(0, cell.find_last_not_of(' ') + 1));
    for (auto& c : text)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

} // namespace

Result<std::string> key_of_cells(const ServerTable& table, std::span<const Cell> cells,
                                 std::size_t columns) {
    std::string key;
    for (const auto column : std::span(table.key).first(std::min(columns, table.key.size())))
        TRY(append_key_cell(key, table.columns[column], cells[column]));
    return key;
}

std::optional<std::string> unique_text(const ServerTable& table, const ServerKey& key,
                                       std::span<const Cell> cells) {
    std::string text;
    for (const auto column : key.columns) {
        if (!cells[column])
            return {};
        append_key(text, as_found(table.columns[column], *cells[column]));
    }
    return text;
}

RowShaper::RowShaper(const ServerTable& table)
    : table_(table), unique_texts_(table.unique.size()), unique_(table.unique.size()) {}

Result<void> RowShaper::take(std::span<const Cell> cells) {
    key_.clear();
    for (const auto column : table_.key)
        TRY(append_key_cell(key_, table_.columns[column], cells[column]));
    row_.clear();
    for (const auto& cell : cells)
        append_cell(row_, cell);
    for (std::size_t i = 0; i < table_.unique.size(); ++i) {
        auto text = unique_text(table_, table_.unique[i], cells);
        unique_[i] = std::nullopt;
        if (text) {
            unique_texts_[i] = std::move(*text);
            unique_[i] = unique_texts_[i];
        }
    }
    return {};
}

} // namespace respawn::component
