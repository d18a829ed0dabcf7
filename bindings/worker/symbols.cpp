#include "worker/symbols.h"

#include "worker/host.h"
#include "worker/values.h"
#include "worker/where.h"

#include <cstring>
#include <unistd.h>

namespace respawn::worker {

namespace {

constexpr const char* symbol_type = "symbol";

// Every event Lua has for an operand; the symbol is one of the first two arguments.
constexpr const char* events[] = { "__add",   "__sub",      "__mul",      "__div",  "__mod",
                                   "__pow",   "__unm",      "__idiv",     "__band", "__bor",
                                   "__bxor",  "__shl",      "__shr",      "__bnot", "__len",
                                   "__eq",    "__lt",       "__le",       "__call", "__concat",
                                   "__index", "__newindex", "__tostring", "__pairs" };

int on_event(lua_State* L) { computed(L, is_symbol(L, 1) ? 1 : 2); }

} // namespace

void push_symbol(lua_State* L, std::string_view name) {
    void* bytes = lua_newuserdatauv(L, name.size(), 0);
    std::memcpy(bytes, name.data(), name.size());
    luaL_setmetatable(L, symbol_type);
}

bool is_symbol(lua_State* L, int index) { return luaL_testudata(L, index, symbol_type) != nullptr; }

std::string symbol_name(lua_State* L, int index) {
    return { static_cast<const char*>(lua_touserdata(L, index)),
             static_cast<std::size_t>(lua_rawlen(L, index)) };
}

void computed(lua_State* L, int index) {
    (void)ask_host(Value::Map{
        { "kind", "computed" }, { "symbol", symbol_name(L, index) }, { "where", where(L) } });
    _exit(0); // the host has ended the run; whatever it said, nothing after this may happen
}

void refuse_symbols(lua_State* L, int first, int last) {
    for (int index = first; index <= last; ++index)
        if (is_symbol(L, index))
            computed(L, index);
}

void prepare_symbols(lua_State* L) {
    luaL_newmetatable(L, symbol_type);
    for (const char* event : events) {
        lua_pushcfunction(L, on_event);
        lua_setfield(L, -2, event);
    }
    lua_pop(L, 1);
}

} // namespace respawn::worker
