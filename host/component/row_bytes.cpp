#include "component/row_bytes.h"

#include <bit>

namespace respawn::component {

namespace {

Error not_a_row(std::string why) { return Error{ .kind = Kind::corrupt, .why = std::move(why) }; }

// Tags of a key's columns, in their order. A number's tag tells how many bytes it has: those of a
// longer number lie further from zero.
constexpr char null_tag = 0x00, bytes_tag = 0x20;
constexpr int zero_tag = 0x14;

// The lowest `size` bytes, the highest of them first.
void append_big_endian(std::string& key, std::uint64_t number, int size) {
    while (size-- > 0)
        key += static_cast<char>(number >> (8 * size));
}

int bytes_of(std::uint64_t number) { return (static_cast<int>(std::bit_width(number)) + 7) / 8; }

} // namespace

void append_length(std::string& to, std::uint64_t length) {
    for (; length >= 0x80; length >>= 7)
        to += static_cast<char>(length | 0x80);
    to += static_cast<char>(length);
}

Result<std::uint64_t> take_length(std::string_view& from) {
    std::uint64_t length = 0;
    for (int shift = 0; !from.empty() && shift < 64; shift += 7) {
        const auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        length |= std::uint64_t{ byte & 0x7fU } << shift;
        if (shift == 63 && byte > 1)
            break;
        if (byte < 0x80 && (byte != 0 || shift == 0))
            return length;
        if (byte < 0x80)
            break;
    }
    return not_a_row("a length among rows is cut short or too long");
}

Result<std::string_view> take_bytes(std::string_view& from, std::uint64_t size) {
    if (size > from.size())
        return not_a_row("a row is cut short");
    const auto bytes = from.substr(0, size);
    from.remove_prefix(size);
    return bytes;
}

void append_cell(std::string& row, Cell cell) {
    append_length(row, cell ? cell->size() + 1 : 0);
    if (cell)
        row += *cell;
}

Result<void> cells_of(std::string_view row, std::size_t count, std::vector<Cell>& cells) {
    if (count > row.size()) // each takes a byte
        return not_a_row("a row has fewer cells than its table has columns");
    cells.clear();
    while (cells.size() < count) {
        const auto length = TRY(take_length(row));
        cells.push_back(length == 0 ? Cell() : Cell(TRY(take_bytes(row, length - 1))));
    }
    return row.empty() ? Result<void>() : not_a_row("a row has more cells than its table has columns");
}

Result<std::vector<Cell>> cells_of(std::string_view row, std::size_t count) {
    std::vector<Cell> cells;
    TRY(cells_of(row, count, cells));
    return cells;
}

void append_key_null(std::string& key) { key += null_tag; }

void append_key(std::string& key, std::uint64_t number) {
    const int size = bytes_of(number);
    key += static_cast<char>(zero_tag + size);
    append_big_endian(key, number, size);
}

// A negative number is written as what its bytes lack to all ones, so that it sorts by its size.
void append_key(std::string& key, std::int64_t number) {
    if (number >= 0)
        return append_key(key, static_cast<std::uint64_t>(number));
    const auto distance = std::uint64_t{ 0 } - static_cast<std::uint64_t>(number);
    const int size = bytes_of(distance);
    key += static_cast<char>(zero_tag - size);
    append_big_endian(key, ~distance, size);
}

// A zero byte becomes 00 FF and the end is 00 00, which is below anything that could go on.
void append_key(std::string& key, std::string_view bytes) {
    key += bytes_tag;
    for (const char byte : bytes) {
        key += byte;
        if (byte == '\0')
            key += '\xff';
    }
    key.append(2, '\0');
}

} // namespace respawn::component
