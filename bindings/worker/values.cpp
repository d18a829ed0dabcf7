#include "worker/values.h"

#include "base/frame.h"
#include "worker/symbols.h"
#include "worker/where.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace respawn::worker {

namespace {

constexpr const char* blob_type = "blob";
constexpr const char* error_type = "respawn.error";
constexpr std::size_t longest_place = 200;
constexpr int deepest = max_depth - 8; // a message wraps its arguments in a few maps of its own
const char null_mark = 0;

enum class Shape { empty, list, map };

// What is left of the size of one message, and the way to the value that is being taken.
struct Taking {
    std::size_t bytes = max_frame;
    std::size_t values = max_frame_values - 1000;
    std::vector<std::string> path;

    std::string place() const {
        std::string text;
        for (const auto& part : path) {
            if (text.size() > longest_place)
                return text + " …";
            text += part;
        }
        return text;
    }
};

struct Step {
    Step(Taking& into, std::string part) : taking(into) { taking.path.push_back(std::move(part)); }
    ~Step() { taking.path.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    Taking& taking;
};

[[noreturn]] void cannot(lua_State* L, const Taking& taking, std::string_view why) {
    raise(L, fmt::format("{} {}", taking.place(), why));
}

void spend(lua_State* L, Taking& taking, std::size_t bytes) {
    if (taking.values == 0 || bytes > taking.bytes)
        cannot(L, taking, "makes this more than one message can hold (8 MiB, a million values)");
    taking.values -= 1;
    taking.bytes -= bytes;
}

// The key as it stands in a path: [3] or .gold.
std::string step_name(lua_State* L, int key) {
    if (lua_type(L, key) == LUA_TSTRING)
        return fmt::format(".{}", text_at(L, key).substr(0, 40));
    return fmt::format("[{}]", plain_text(L, key));
}

// Raises when keys are neither all texts nor exactly 1 … n.
Shape shape_of(lua_State* L, int table, const Taking& taking) {
    lua_Integer texts = 0, numbers = 0, highest = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            ++texts;
        } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1) {
            ++numbers;
            highest = std::max(highest, lua_tointeger(L, -2));
        } else {
            cannot(
                L, taking,
                fmt::format("has a key that is neither a text nor 1, 2, 3 …: {}", plain_text(L, -2)));
        }
    }
    if (texts > 0 && numbers > 0)
        cannot(L, taking, "has both texts and numbers as keys; make it a list or a map");
    if (numbers != highest)
        cannot(L, taking,
               fmt::format("is a list with holes: {} of {} items are there; use "
                           "respawn.null for what is empty",
                           numbers, highest));
    return texts > 0 ? Shape::map : numbers > 0 ? Shape::list : Shape::empty;
}

// Ready to look into the table at `index`; its absolute index.
int enter(lua_State* L, int index, const Taking& taking) {
    if (taking.path.size() > deepest)
        cannot(L, taking, "is nested too deep, or holds itself");
    luaL_checkstack(L, 8, "values nested too deep");
    return lua_absindex(L, index);
}

[[noreturn]] void refuse_type(lua_State* L, int index, const Taking& taking) {
    const bool function = lua_type(L, index) == LUA_TFUNCTION;
    cannot(L, taking,
           fmt::format("is a {}, which cannot be passed on or kept in case",
                       function ? "function" : luaL_typename(L, index)));
}

Value take(lua_State* L, int index, Taking& taking);

Value take_list(lua_State* L, int table, Taking& taking) {
    Value::List items;
    const auto count = static_cast<lua_Integer>(lua_rawlen(L, table));
    for (lua_Integer i = 1; i <= count; ++i) {
        lua_rawgeti(L, table, i);
        const Step step(taking, fmt::format("[{}]", i));
        items.push_back(take(L, -1, taking));
        lua_pop(L, 1);
    }
    return items;
}

Value take_map(lua_State* L, int table, Taking& taking) {
    Value::Map members;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const Step step(taking, step_name(L, -2));
        spend(L, taking, text_at(L, -2).size());
        members.emplace(text_at(L, -2), take(L, -1, taking));
    }
    return members;
}

Value take_table(lua_State* L, int index, Taking& taking) {
    const int table = enter(L, index, taking);
    switch (shape_of(L, table, taking)) {
    case Shape::list:
        return take_list(L, table, taking);
    case Shape::map:
        return take_map(L, table, taking);
    default:
        return Value::Map{};
    }
}

Value take_userdata(lua_State* L, int index, Taking& taking) {
    if (is_null(L, index))
        return nullptr;
    if (is_symbol(L, index))
        return Symbol{ symbol_name(L, index) };
    if (const auto bytes = blob_at(L, index)) {
        spend(L, taking, bytes->size());
        return Blob{ std::string(*bytes) };
    }
    refuse_type(L, index, taking);
}

Value take(lua_State* L, int index, Taking& taking) {
    spend(L, taking, 9);
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return nullptr;
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) != 0;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return Value(std::int64_t{ lua_tointeger(L, index) });
        return lua_tonumber(L, index);
    case LUA_TSTRING:
        spend(L, taking, text_at(L, index).size());
        return text_at(L, index);
    case LUA_TTABLE:
        return take_table(L, index, taking);
    case LUA_TUSERDATA:
    case LUA_TLIGHTUSERDATA:
        return take_userdata(L, index, taking);
    default:
        refuse_type(L, index, taking);
    }
}

void check_plain(lua_State* L, int index, Taking& taking);

void check_plain_table(lua_State* L, int index, Taking& taking) {
    const int table = enter(L, index, taking);
    shape_of(L, table, taking);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const Step step(taking, step_name(L, -2));
        check_plain(L, -1, taking);
    }
}

void check_plain(lua_State* L, int index, Taking& taking) {
    const int type = lua_type(L, index);
    const bool known = is_null(L, index) || is_symbol(L, index) || blob_at(L, index);
    if (type == LUA_TTABLE)
        check_plain_table(L, index, taking);
    else if (type == LUA_TFUNCTION || (type == LUA_TUSERDATA && !known))
        refuse_type(L, index, taking);
}

void push_list(lua_State* L, const Value::List& items) {
    lua_createtable(L, static_cast<int>(items.size()), 0);
    lua_Integer place = 0;
    for (const auto& item : items) {
        if (item.is_null())
            push_null(L);
        else
            push(L, item);
        lua_rawseti(L, -2, ++place);
    }
}

void push_map(lua_State* L, const Value::Map& members) {
    lua_createtable(L, 0, static_cast<int>(members.size()));
    for (const auto& [key, member] : members) {
        if (member.is_null())
            continue;
        push_text(L, key);
        push(L, member);
        lua_rawset(L, -3);
    }
}

int blob_length(lua_State* L) {
    lua_pushinteger(L, static_cast<lua_Integer>(lua_rawlen(L, 1)));
    return 1;
}

int blob_equal(lua_State* L) {
    const auto left = blob_at(L, 1), right = blob_at(L, 2);
    lua_pushboolean(L, left && right && *left == *right);
    return 1;
}

int blob_field(lua_State* L) {
    if (const auto bytes = blob_at(L, 1); bytes && plain_text(L, 2) == "bytes") {
        push_text(L, *bytes);
        return 1;
    }
    raise(L, "a blob has one field, bytes");
}

int error_text(lua_State* L) {
    const auto error = host_error(L, 1);
    push_text(L, error.text_at("what").empty()
                     ? error.text_at("why")
                     : fmt::format("could not {}: {}", error.text_at("what"), error.text_at("why")));
    return 1;
}

int error_concat(lua_State* L) {
    for (const int side : { 1, 2 }) {
        luaL_tolstring(L, side, nullptr);
        lua_replace(L, side);
    }
    lua_concat(L, 2);
    return 1;
}

} // namespace

void push(lua_State* L, const Value& value) {
    luaL_checkstack(L, 8, "values nested too deep");
    if (const auto* truth = value.boolean())
        lua_pushboolean(L, *truth ? 1 : 0);
    else if (const auto* whole = value.integer())
        lua_pushinteger(L, *whole);
    else if (const auto* number = value.real())
        lua_pushnumber(L, *number);
    else if (const auto* text = value.text())
        push_text(L, *text);
    else if (const auto* blob = value.blob())
        push_blob(L, blob->bytes);
    else if (const auto* symbol = value.symbol())
        push_symbol(L, symbol->name);
    else if (const auto* items = value.list())
        push_list(L, *items);
    else if (const auto* members = value.map())
        push_map(L, *members);
    else
        lua_pushnil(L);
}

Value to_value(lua_State* L, int index, std::string_view name) {
    Taking taking;
    const Step step(taking, std::string(name));
    return take(L, index, taking);
}

void must_be_plain(lua_State* L, int index, std::string_view name) {
    Taking taking;
    const Step step(taking, std::string(name));
    check_plain(L, index, taking);
}

void push_text(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }

std::string_view text_at(lua_State* L, int index) {
    std::size_t size = 0;
    const char* bytes = lua_tolstring(L, index, &size);
    return { bytes, size };
}

std::string plain_text(lua_State* L, int index) {
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return std::string(text_at(L, index));
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) ? "true" : "false";
    case LUA_TNUMBER: {
        if (!lua_isinteger(L, index) && std::isnan(lua_tonumber(L, index)))
            return "nan"; // its sign differs between machines
        lua_pushvalue(L, index);
        std::string text(text_at(L, -1));
        lua_pop(L, 1);
        return text;
    }
    default:
        if (is_null(L, index))
            return "null";
        if (const auto bytes = blob_at(L, index))
            return fmt::format("blob of {} bytes", bytes->size());
        return luaL_typename(L, index); // never an address
    }
}

void push_null(lua_State* L) { lua_pushlightuserdata(L, const_cast<char*>(&null_mark)); }

bool is_null(lua_State* L, int index) {
    return lua_islightuserdata(L, index) && lua_touserdata(L, index) == &null_mark;
}

void push_blob(lua_State* L, std::string_view bytes) {
    void* place = lua_newuserdatauv(L, bytes.size(), 0);
    std::memcpy(place, bytes.data(), bytes.size());
    luaL_setmetatable(L, blob_type);
}

std::optional<std::string_view> blob_at(lua_State* L, int index) {
    const void* bytes = luaL_testudata(L, index, blob_type);
    if (!bytes)
        return std::nullopt;
    return std::string_view(static_cast<const char*>(bytes), lua_rawlen(L, index));
}

void raise_host_error(lua_State* L, const Value& error) {
    lua_createtable(L, 0, 5);
    for (const char* key : { "kind", "what", "on", "why", "fix" }) {
        push_text(L, error.text_at(key));
        lua_setfield(L, -2, key);
    }
    luaL_setmetatable(L, error_type);
    lua_error(L);
    std::abort(); // lua_error does not come back
}

bool is_host_error(lua_State* L, int index) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, error_type);
    const bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return same;
}

Value host_error(lua_State* L, int index) {
    Value::Map fields;
    const int table = lua_absindex(L, index);
    for (const char* key : { "kind", "what", "on", "why", "fix" }) {
        lua_pushstring(L, key);
        lua_rawget(L, table);
        if (lua_type(L, -1) == LUA_TSTRING)
            fields.emplace(key, text_at(L, -1).substr(0, 4096));
        lua_pop(L, 1);
    }
    return fields;
}

void prepare_values(lua_State* L) {
    luaL_newmetatable(L, blob_type);
    const luaL_Reg blob[] = { { "__len", blob_length },
                              { "__eq", blob_equal },
                              { "__index", blob_field },
                              { nullptr, nullptr } };
    luaL_setfuncs(L, blob, 0);
    luaL_newmetatable(L, error_type);
    const luaL_Reg error[] = { { "__tostring", error_text },
                               { "__concat", error_concat },
                               { nullptr, nullptr } };
    luaL_setfuncs(L, error, 0);
    lua_pop(L, 2);
}

} // namespace respawn::worker
