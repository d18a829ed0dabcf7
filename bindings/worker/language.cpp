#include "worker/language.h"

#include "worker/guard.h"
#include "worker/log.h"
#include "worker/modules.h"
#include "worker/order.h"
#include "worker/session.h"
#include "worker/symbols.h"
#include "worker/texts.h"
#include "worker/values.h"
#include "worker/where.h"

#include <fmt/format.h>

namespace respawn::worker {

namespace {

struct Library {
    const char* name;
    lua_CFunction open;
    std::vector<const char*> given;
};

const Library base = { "_G", luaopen_base, { "assert", "error", "ipairs", "select" } };

const std::vector<Library> libraries = {
    { "string",
      luaopen_string,
      { "byte", "char", "find", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
        "reverse", "sub", "unpack", "upper" } },
    { "table", luaopen_table, { "insert", "move", "pack", "remove", "unpack" } },
    { "math", luaopen_math, { "abs",  "acos",       "asin",      "atan", "ceil", "cos",    "deg",
                              "exp",  "floor",      "fmod",      "huge", "log",  "max",    "maxinteger",
                              "min",  "mininteger", "modf",      "pi",   "rad",  "random", "sin",
                              "sqrt", "tan",        "tointeger", "type", "ult" } },
    { "utf8", luaopen_utf8, { "char", "charpattern", "codepoint", "codes", "len", "offset" } },
};

// Lua's own function behind a look at the arguments: one that is a symbol ends the run. The function is
// called on this very stack, so that its errors name the script's line. Its upvalues come first.
template <int upvalues> int symbol_free(lua_State* L) {
    refuse_symbols(L, 1, lua_gettop(L));
    const auto function = lua_touserdata(L, lua_upvalueindex(upvalues + 1));
    return reinterpret_cast<lua_CFunction>(function)(L);
}

// Replaces the C function on top by one that is symbol_free.
void make_symbol_free(lua_State* L) {
    const auto function = lua_tocfunction(L, -1);
    const bool has_upvalue = lua_getupvalue(L, -1, 1) != nullptr;
    lua_pushlightuserdata(L, reinterpret_cast<void*>(function));
    lua_pushcclosure(L, has_upvalue ? symbol_free<1> : symbol_free<0>, has_upvalue ? 2 : 1);
    lua_remove(L, -2);
}

// Table functions store and hand on what they are given; the other libraries compute with it.
bool only_moves(std::string_view library) { return library == "table" || library == "_G"; }

// Copies what is given of the library at `from` into the table on top.
void copy_given(lua_State* L, int from, const Library& library) {
    for (const char* name : library.given) {
        lua_getfield(L, from, name);
        if (lua_iscfunction(L, -1) && !only_moves(library.name))
            make_symbol_free(L);
        lua_setfield(L, -2, name);
    }
}

void set_function(lua_State* L, const char* name, lua_CFunction function) {
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

// Memory that ran out stays an error: a script that catches it would run on with half its work done.
int ended(lua_State* L, int status) {
    if (status == LUA_ERRMEM)
        lua_error(L);
    lua_pushboolean(L, status == LUA_OK);
    lua_insert(L, 1);
    return lua_gettop(L);
}

int careful_pcall(lua_State* L) {
    luaL_checkany(L, 1);
    return ended(L, lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0));
}

int careful_xpcall(lua_State* L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    const int arguments = lua_gettop(L) - 2;
    lua_pushvalue(L, 1);
    lua_copy(L, 2, 1);
    lua_replace(L, 2); // the handler, then the function, then its arguments
    const int status = lua_pcall(L, arguments, LUA_MULTRET, 1);
    lua_remove(L, 1);
    return ended(L, status);
}

int type_name(lua_State* L) {
    luaL_checkany(L, 1);
    refuse_symbols(L, 1, 1);
    lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

// table.concat looks inside the list.
int careful_concat(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    refuse_symbols(L, 1, lua_gettop(L));
    const auto last = luaL_optinteger(L, 4, luaL_len(L, 1));
    for (auto i = luaL_optinteger(L, 3, 1); i <= last; ++i) {
        if (lua_geti(L, 1, i) == LUA_TNIL)
            break; // Lua's own concat says which one is missing
        refuse_symbols(L, -1, -1);
        lua_pop(L, 1);
        if (i == LUA_MAXINTEGER)
            break;
    }
    lua_settop(L, std::min(lua_gettop(L), 4));
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

std::vector<std::string> names_of(lua_State* L, int table) {
    std::vector<std::string> names;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        names.push_back(plain_text(L, -2));
    return names;
}

int read_global(lua_State* L) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    const auto name = plain_text(L, 2).substr(0, 60);
    raise(L, fmt::format("there is no '{}' here{}", name,
                         suggestion(name, names_of(L, lua_upvalueindex(1)))));
}

int write_global(lua_State* L) {
    const auto name = plain_text(L, 2).substr(0, 60);
    raise(L, fmt::format("'{0}' is not local: write \"local {0}\" before it is used", name));
}

void give_library(lua_State* L, const Library& library) {
    luaL_requiref(L, library.name, library.open, 0);
    const int from = lua_gettop(L);
    lua_newtable(L);
    copy_given(L, from, library);
    if (std::string_view(library.name) == "string") {
        lua_getfield(L, from, "format");
        lua_pushcclosure(L, careful_format, 1);
        lua_setfield(L, -2, "format");
    }
    if (std::string_view(library.name) == "table") {
        lua_getfield(L, from, "concat");
        lua_pushcclosure(L, careful_concat, 1);
        lua_setfield(L, -2, "concat");
        set_function(L, "sort", stable_sort);
    }
    lua_remove(L, from);
}

// ("x"):upper() finds its functions in the table we give, not in Lua's.
void lock_strings(lua_State* L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);
}

void seed_random(lua_State* L) {
    luaL_requiref(L, "math", luaopen_math, 0);
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, session_of(L).seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

void give_base(lua_State* L) {
    luaL_requiref(L, base.name, base.open, 0);
    const int from = lua_gettop(L);
    lua_newtable(L);
    copy_given(L, from, base);
    for (const char* name : { "rawequal", "rawget", "rawlen", "tonumber" }) {
        lua_getfield(L, from, name);
        make_symbol_free(L);
        lua_setfield(L, -2, name);
    }
    const luaL_Reg own[] = { { "getmetatable", careful_getmetatable },
                             { "next", ordered_next },
                             { "pairs", ordered_pairs },
                             { "pcall", careful_pcall },
                             { "print", log_line },
                             { "rawset", careful_rawset },
                             { "require", require },
                             { "setmetatable", careful_setmetatable },
                             { "tostring", show },
                             { "type", type_name },
                             { "xpcall", careful_xpcall },
                             { nullptr, nullptr } };
    luaL_setfuncs(L, own, 0);
    lua_pushstring(L, LUA_VERSION);
    lua_setfield(L, -2, "_VERSION");
    lua_remove(L, from);
}

const char real_globals = 0; // in the registry

} // namespace

void give_language(lua_State* L) {
    give_base(L);
    for (const auto& library : libraries) {
        give_library(L, library);
        if (std::string_view(library.name) == "string")
            lock_strings(L);
        guard(L, library.name);
        lua_setfield(L, -2, library.name);
    }
    seed_random(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &real_globals);
    lua_pushvalue(L, -1);
    guard(L, "_G", read_global, write_global);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    // Every chunk is compiled with these globals.
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pop(L, 1);
}

void add_globals(lua_State* L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &real_globals);
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 2);
}

} // namespace respawn::worker
