// Value: what runbooks, the host and the journal hand to each other: null, booleans, 64-bit integers,
// reals, texts, blobs, lists, maps with keys in byte order, and symbols. A symbol stands for something
// that is not known yet ("the snapshot this backup would make") or is only made at the moment of the
// effect ("now"); nothing can be computed with one.
//
// Each value has exactly one encoding, so that equal values have equal hashes.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace respawn {

struct Blob {
    std::string bytes;
    auto operator<=>(const Blob&) const = default;
};

struct Symbol {
    std::string name;
    auto operator<=>(const Symbol&) const = default;
};

class Value {
  public:
    using List = std::vector<Value>;
    using Map = std::map<std::string, Value, std::less<>>;

    // Out of line, so that a variant's copying and ending are compiled once and not in every file.
    Value();
    Value(const Value&);
    Value(Value&&) noexcept;
    Value& operator=(const Value&);
    Value& operator=(Value&&) noexcept;
    ~Value();

    Value(std::nullptr_t) : Value() {}
    Value(bool truth);
    Value(int number) : Value(std::int64_t{ number }) {}
    Value(std::int64_t number);
    Value(double number);
    Value(const char* text);
    Value(std::string text);
    Value(std::string_view text);
    Value(Blob blob);
    Value(Symbol symbol);
    Value(List list);
    Value(Map map);

    bool is_null() const { return state_.index() == 0; }
    const bool* boolean() const { return std::get_if<bool>(&state_); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&state_); }
    const double* real() const { return std::get_if<double>(&state_); }
    const std::string* text() const { return std::get_if<std::string>(&state_); }
    const Blob* blob() const { return std::get_if<Blob>(&state_); }
    const Symbol* symbol() const { return std::get_if<Symbol>(&state_); }
    const List* list() const { return std::get_if<List>(&state_); }
    const Map* map() const { return std::get_if<Map>(&state_); }
    List* list() { return std::get_if<List>(&state_); }
    Map* map() { return std::get_if<Map>(&state_); }

    // The value under a key, or null when this is no map or has no such key.
    const Value& at(std::string_view key) const;
    // As at(), with a default when it is missing or of another type.
    std::string text_at(std::string_view key, std::string_view otherwise = {}) const;
    std::int64_t integer_at(std::string_view key, std::int64_t otherwise = 0) const;

    // "null", "boolean", "integer", "real", "text", "blob", "symbol", "list" or "map".
    std::string_view type_name() const;
    // True when this value or one inside it is a symbol.
    bool has_symbol() const;

    // Whole numbers and reals are never equal to each other.
    bool operator==(const Value& other) const;

  private:
    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Blob, Symbol, List, Map>
        state_;
};

// The one binary encoding (docs/protocol.md). decode() takes hostile bytes: it refuses depth over
// max_depth, unsorted or double keys, anything left over, and more than `most` values (each takes some
// 60 bytes of memory, however short its encoding).
inline constexpr int max_depth = 64;
std::string encode(const Value& value);
Result<Value> decode(std::string_view bytes, std::size_t most = SIZE_MAX);

// As a person reads it in a line: 'active', 120, x'00ff', {a=1, b=[2, 3]}, <now>. Control characters
// are escaped.
std::string to_text(const Value& value);

// JSON, for --json and for the http and json primitives. Blobs become {"$blob": hex}, symbols
// {"$symbol": name}. indent -1 is one line.
std::string to_json(const Value& value, int indent = -1);
// Kind::corrupt with the position for bad JSON or depth over max_depth. Numbers that fit no 64-bit
// integer become reals.
Result<Value> from_json(std::string_view text);

} // namespace respawn
