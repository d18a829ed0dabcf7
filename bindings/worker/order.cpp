#include "worker/order.h"

#include "worker/guard.h"
#include "worker/symbols.h"
#include "worker/values.h"
#include "worker/where.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace respawn::worker {

namespace {

enum class Rank : int { whole, number, text, truth };

// A key, cheap to compare. The text is Lua's own and lives as long as the key does.
struct Key {
    Rank rank = Rank::whole;
    lua_Integer place = 0; // where the key stands in the list of keys
    lua_Integer whole = 0;
    lua_Number number = 0;
    const char* text = nullptr;
    std::size_t size = 0;
};

bool operator<(const Key& left, const Key& right) {
    if (left.rank != right.rank)
        return left.rank < right.rank;
    switch (left.rank) {
    case Rank::number:
        return left.number < right.number;
    case Rank::text:
        return std::string_view(left.text, left.size) < std::string_view(right.text, right.size);
    default:
        return left.whole < right.whole;
    }
}

Key key_at(lua_State* L, int index) {
    Key key;
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        key.rank = lua_isinteger(L, index) ? Rank::whole : Rank::number;
        key.whole = lua_tointeger(L, index);
        key.number = lua_tonumber(L, index);
        return key;
    case LUA_TSTRING:
        key.rank = Rank::text;
        key.text = lua_tolstring(L, index, &key.size);
        return key;
    case LUA_TBOOLEAN:
        key.rank = Rank::truth;
        key.whole = lua_toboolean(L, index);
        return key;
    default:
        raise(L, std::string("a table that has a ") + luaL_typename(L, index) +
                     " as a key has no order; use texts or numbers as keys");
    }
}

lua_Integer count_keys(lua_State* L, int table) {
    lua_Integer count = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        ++count;
    return count;
}

// Pushes a list of the table's keys, and an array of Key in order. Both are Lua's memory, so that they
// count against its cap.
lua_Integer push_ordered_keys(lua_State* L, int table) {
    const auto count = count_keys(L, table);
    lua_createtable(L, static_cast<int>(std::min<lua_Integer>(count, INT32_MAX)), 0);
    auto* keys =
        static_cast<Key*>(lua_newuserdatauv(L, static_cast<std::size_t>(count) * sizeof(Key), 0));
    lua_Integer place = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        keys[place] = key_at(L, -2);
        keys[place].place = place + 1;
        lua_pushvalue(L, -2);
        lua_rawseti(L, -5, ++place);
    }
    if (!std::is_sorted(keys, keys + count))
        std::sort(keys, keys + count);
    return count;
}

// Upvalues: the keys, their order, how many there are, how many were given, the table. (Not the table
// that the loop hands over: behind a guard there is another one.)
int next_ordered(lua_State* L) {
    const auto* order = static_cast<const Key*>(lua_touserdata(L, lua_upvalueindex(2)));
    const auto count = lua_tointeger(L, lua_upvalueindex(3));
    auto given = lua_tointeger(L, lua_upvalueindex(4));
    bool found = false;
    lua_settop(L, 0);
    while (given < count && !found) {
        lua_settop(L, 0);
        lua_rawgeti(L, lua_upvalueindex(1), order[given++].place);
        lua_pushvalue(L, -1);
        found = lua_rawget(L, lua_upvalueindex(5)) != LUA_TNIL;
    }
    lua_pushinteger(L, given);
    lua_replace(L, lua_upvalueindex(4));
    if (!found)
        lua_pushnil(L);
    return found ? 2 : 1;
}

// Lists of items in a merge: `from` and `into` are tables of the stack.
struct Merge {
    lua_State* L;
    bool by_function; // the order function is argument 2

    // Whether the item on top must come before the one below it.
    bool top_is_first() const {
        if (!by_function)
            return lua_compare(L, -1, -2, LUA_OPLT) != 0;
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -4);
        lua_call(L, 2, 1);
        refuse_symbols(L, -1, -1);
        const bool first = lua_toboolean(L, -1) != 0;
        lua_pop(L, 1);
        return first;
    }

    void runs(int from, int into, lua_Integer left, lua_Integer middle, lua_Integer end) const {
        auto right = middle;
        for (auto place = left; place < end; ++place) {
            bool take_right = left >= middle;
            if (left < middle && right < end) {
                lua_rawgeti(L, from, left);
                lua_rawgeti(L, from, right);
                take_right = top_is_first();
                lua_pop(L, 2);
            }
            lua_rawgeti(L, from, take_right ? right++ : left++);
            lua_rawseti(L, into, place);
        }
    }
};

} // namespace

int ordered_pairs(lua_State* L) {
    luaL_checkany(L, 1);
    refuse_symbols(L, 1, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        return 3;
    }
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    see_through(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    const auto count = push_ordered_keys(L, 2);
    lua_pushinteger(L, count);
    lua_pushinteger(L, 0);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, next_ordered, 5);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

int ordered_next(lua_State* L) {
    refuse_symbols(L, 1, std::min(2, lua_gettop(L)));
    see_through(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    const bool from_start = lua_isnil(L, 2);
    const Key after = from_start ? Key{} : key_at(L, 2);
    bool found = false;
    Key nearest;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        const Key key = key_at(L, -2);
        if ((!from_start && !(after < key)) || (found && !(key < nearest)))
            continue;
        nearest = key;
        found = true;
        lua_pushvalue(L, -2);
        lua_replace(L, 2);
    }
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 2);
    lua_rawget(L, 1);
    return 2;
}

int stable_sort(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    const auto count = luaL_len(L, 1);
    luaL_argcheck(L, count < INT32_MAX, 1, "array too big");
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    const Merge merge{ L, !lua_isnil(L, 2) };
    int from = 3, into = 4;
    const int room = static_cast<int>(std::max<lua_Integer>(count, 0));
    lua_createtable(L, room, 0);
    lua_createtable(L, room, 0);
    for (lua_Integer i = 1; i <= count; ++i) {
        lua_geti(L, 1, i);
        lua_rawseti(L, from, i);
    }
    for (lua_Integer width = 1; width < count; width *= 2) {
        for (lua_Integer left = 1; left <= count; left += 2 * width)
            merge.runs(from, into, left, std::min(left + width, count + 1),
                       std::min(left + 2 * width, count + 1));
        std::swap(from, into);
    }
    for (lua_Integer i = 1; i <= count; ++i) {
        lua_rawgeti(L, from, i);
        lua_seti(L, 1, i);
    }
    return 0;
}

} // namespace respawn::worker
