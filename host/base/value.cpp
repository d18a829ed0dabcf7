#include "base/value.h"

#include "base/bytes.h"
#include "base/text.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>

namespace respawn {

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
Value::Value(bool truth) : state_(truth) {}
Value::Value(std::int64_t number) : state_(number) {}
Value::Value(double number) : state_(number) {}
Value::Value(const char* text) : state_(std::string(text)) {}
Value::Value(std::string text) : state_(std::move(text)) {}
Value::Value(std::string_view text) : state_(std::string(text)) {}
Value::Value(Blob blob) : state_(std::move(blob)) {}
Value::Value(Symbol symbol) : state_(std::move(symbol)) {}
Value::Value(List list) : state_(std::move(list)) {}
Value::Value(Map map) : state_(std::move(map)) {}
bool Value::operator==(const Value& other) const { return state_ == other.state_; }

const Value& Value::at(std::string_view key) const {
    static const Value nothing;
    const auto* members = map();
    if (!members)
        return nothing;
    const auto found = members->find(key);
    return found == members->end() ? nothing : found->second;
}

std::string Value::text_at(std::string_view key, std::string_view otherwise) const {
    const auto* found = at(key).text();
    return found ? *found : std::string(otherwise);
}

std::int64_t Value::integer_at(std::string_view key, std::int64_t otherwise) const {
    const auto* found = at(key).integer();
    return found ? *found : otherwise;
}

std::string_view Value::type_name() const {
    static constexpr std::string_view names[] = { "null", "boolean", "integer", "real", "text",
                                                  "blob", "symbol",  "list",    "map" };
    return names[state_.index()];
}

bool Value::has_symbol() const {
    if (symbol())
        return true;
    if (const auto* items = list()) {
        for (const auto& item : *items)
            if (item.has_symbol())
                return true;
    }
    if (const auto* members = map()) {
        for (const auto& [key, member] : *members)
            if (member.has_symbol())
                return true;
    }
    return false;
}

namespace {

enum Tag : std::uint8_t {
    null_tag,
    false_tag,
    true_tag,
    integer_tag,
    real_tag,
    text_tag,
    blob_tag,
    symbol_tag,
    list_tag,
    map_tag
};

void encode_to(ByteWriter& out, const Value& value) {
    if (value.is_null()) {
        out.u8(null_tag);
    } else if (const auto* truth = value.boolean()) {
        out.u8(*truth ? true_tag : false_tag);
    } else if (const auto* whole = value.integer()) {
        out.u8(integer_tag).i64(*whole);
    } else if (const auto* number = value.real()) {
        out.u8(real_tag).u64(
            std::bit_cast<std::uint64_t>(std::isnan(*number) ? std::nan("") : *number));
    } else if (const auto* text = value.text()) {
        out.u8(text_tag).text(*text);
    } else if (const auto* blob = value.blob()) {
        out.u8(blob_tag).text(blob->bytes);
    } else if (const auto* symbol = value.symbol()) {
        out.u8(symbol_tag).text(symbol->name);
    } else if (const auto* items = value.list()) {
        out.u8(list_tag).u32(static_cast<std::uint32_t>(items->size()));
        for (const auto& item : *items)
            encode_to(out, item);
    } else if (const auto* members = value.map()) {
        out.u8(map_tag).u32(static_cast<std::uint32_t>(members->size()));
        for (const auto& [key, member] : *members) {
            out.text(key);
            encode_to(out, member);
        }
    }
}

// `left` is how many values may still come.
Result<Value> decode_from(ByteReader& in, int depth, std::size_t& left);

// Of all the ways to write "not a number", one is taken.
Result<Value> decode_real(ByteReader& in) {
    const auto bits = TRY(in.u64());
    const auto number = std::bit_cast<double>(bits);
    if (std::isnan(number) && bits != std::bit_cast<std::uint64_t>(std::nan("")))
        return Error{ .kind = Kind::corrupt, .why = "a real is not in its one encoding" };
    return Value(number);
}

Result<Value> decode_list(ByteReader& in, int depth, std::size_t& left) {
    const auto count = TRY(in.u32());
    if (count > in.left())
        return Error{ .kind = Kind::corrupt, .why = "a list is longer than its bytes" };
    Value::List items;
    for (std::uint32_t i = 0; i < count; ++i)
        items.push_back(TRY(decode_from(in, depth + 1, left)));
    return Value(std::move(items));
}

Result<Value> decode_map(ByteReader& in, int depth, std::size_t& left) {
    const auto count = TRY(in.u32());
    Value::Map members;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::string key(TRY(in.text()));
        if (!members.empty() && !(members.rbegin()->first < key))
            return Error{ .kind = Kind::corrupt, .why = "the keys of a map are not in order" };
        members.emplace_hint(members.end(), std::move(key), TRY(decode_from(in, depth + 1, left)));
    }
    return Value(std::move(members));
}

Result<Value> decode_from(ByteReader& in, int depth, std::size_t& left) {
    if (depth > max_depth)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("values are nested more than {} deep", max_depth) };
    if (left-- == 0)
        return Error{ .kind = Kind::corrupt, .why = "there are more values than there may be" };
    const auto tag = TRY(in.u8());
    switch (tag) {
    case null_tag:
        return Value();
    case false_tag:
        return Value(false);
    case true_tag:
        return Value(true);
    case integer_tag:
        return Value(TRY(in.i64()));
    case real_tag:
        return decode_real(in);
    case text_tag:
        return Value(TRY(in.text()));
    case blob_tag:
        return Value(Blob{ std::string(TRY(in.text())) });
    case symbol_tag:
        return Value(Symbol{ std::string(TRY(in.text())) });
    case list_tag:
        return decode_list(in, depth, left);
    case map_tag:
        return decode_map(in, depth, left);
    default:
        return Error{ .kind = Kind::corrupt, .why = fmt::format("{} is no kind of value", tag) };
    }
}

} // namespace

std::string encode(const Value& value) {
    ByteWriter out;
    encode_to(out, value);
    return out.take();
}

Result<Value> decode(std::string_view bytes, std::size_t most) {
    ByteReader in(bytes);
    auto value = TRY(decode_from(in, 0, most));
    TRY(in.must_be_at_end());
    return value;
}

std::string to_text(const Value& value) {
    if (const auto* truth = value.boolean())
        return *truth ? "true" : "false";
    if (const auto* whole = value.integer())
        return std::to_string(*whole);
    if (const auto* number = value.real())
        return fmt::format("{}", *number);
    if (const auto* text = value.text())
        return "'" + printable(*text) + "'";
    if (const auto* blob = value.blob())
        return "x'" + to_hex(blob->bytes) + "'";
    if (const auto* symbol = value.symbol())
        return "<" + printable(symbol->name) + ">";
    std::string line;
    if (const auto* items = value.list()) {
        for (const auto& item : *items)
            line += (line.empty() ? "" : ", ") + to_text(item);
        return "[" + line + "]";
    }
    if (const auto* members = value.map()) {
        for (const auto& [key, member] : *members)
            line += (line.empty() ? "" : ", ") + printable(key) + "=" + to_text(member);
        return "{" + line + "}";
    }
    return "null";
}

} // namespace respawn
