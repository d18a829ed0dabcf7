#include "worker/guard.h"

#include "worker/symbols.h"
#include "worker/values.h"
#include "worker/where.h"

#include <fmt/format.h>

namespace respawn::worker {

namespace {

// Keys that no script can name.
const char behind_guard = 0;    // in a guarded table's metatable: what is behind
const char script_table = 0;    // in a metatable made by careful_setmetatable: the script's own
const char made_metatables = 0; // in the registry: from a script's metatable to the one made for it

constexpr const char* taken_over[] = { "__index", "__newindex", "__call",     "__add",  "__sub",
                                       "__mul",   "__div",      "__mod",      "__pow",  "__unm",
                                       "__idiv",  "__band",     "__bor",      "__bxor", "__shl",
                                       "__shr",   "__bnot",     "__concat",   "__len",  "__eq",
                                       "__lt",    "__le",       "__tostring", "__pairs" };

// Whether the value at `index` has a metatable with `key`; then what stands there is on top.
bool push_mark(lua_State* L, int index, const char* key) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    const bool there = lua_rawgetp(L, -1, key) != LUA_TNIL;
    lua_remove(L, -2);
    if (!there)
        lua_pop(L, 1);
    return there;
}

int refuse_write(lua_State* L) {
    raise(L, fmt::format("{}.{} cannot be changed", text_at(L, lua_upvalueindex(1)), plain_text(L, 2)));
}

void refuse_hidden_events(lua_State* L, int metatable) {
    for (const char* event : { "__gc", "__close", "__mode", "__metatable" }) {
        lua_pushstring(L, event);
        if (lua_rawget(L, metatable) != LUA_TNIL)
            raise(L, fmt::format("a metatable may not have {}", event));
        lua_pop(L, 1);
    }
}

// The metatable made for the script's at `metatable`, from an earlier time or new; on top.
void push_made_for(lua_State* L, int metatable) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &made_metatables);
    lua_pushvalue(L, metatable);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, metatable);
        lua_rawsetp(L, -2, &script_table);
        lua_pushvalue(L, metatable);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

} // namespace

void prepare_guard(lua_State* L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, "k"); // a metatable that nobody uses any more goes, and what was made for it
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &made_metatables);
}

void guard(lua_State* L, const char* name, lua_CFunction missing, lua_CFunction write) {
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, -3);
    lua_rawsetp(L, -2, &behind_guard);
    if (missing) {
        lua_pushvalue(L, -3);
        lua_pushcclosure(L, missing, 1);
    } else {
        lua_pushvalue(L, -3);
    }
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, write ? write : refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

bool is_guarded(lua_State* L, int index) {
    const bool guarded = push_mark(L, index, &behind_guard);
    if (guarded)
        lua_pop(L, 1);
    return guarded;
}

void see_through(lua_State* L, int index) {
    if (push_mark(L, index, &behind_guard))
        lua_replace(L, index);
}

int careful_setmetatable(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (is_guarded(L, 1) || is_host_error(L, 1))
        raise(L, "this table cannot be given a metatable");
    if (is_guarded(L, 2)) // getmetatable would hand out what is behind the guard
        raise(L, "this table cannot be a metatable");
    if (lua_isnil(L, 2)) {
        lua_setmetatable(L, 1);
        return 1;
    }
    refuse_hidden_events(L, 2);
    push_made_for(L, 2);
    for (const char* event : taken_over) {
        lua_pushstring(L, event);
        lua_rawget(L, 2);
        lua_setfield(L, -2, event);
    }
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

int careful_getmetatable(lua_State* L) {
    luaL_checkany(L, 1);
    refuse_symbols(L, 1, 1);
    if (!push_mark(L, 1, &script_table))
        lua_pushnil(L);
    return 1;
}

int careful_rawset(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (is_guarded(L, 1))
        raise(L, "this table cannot be changed");
    lua_rawset(L, 1);
    return 1;
}

} // namespace respawn::worker
