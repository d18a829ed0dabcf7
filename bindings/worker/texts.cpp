#include "worker/texts.h"

#include "worker/symbols.h"
#include "worker/values.h"
#include "worker/where.h"

#include <string_view>

namespace respawn::worker {

namespace {

// Makes %s show its arguments our way, and refuses %p. Flags, width and precision are left to Lua.
void prepare_arguments(lua_State* L, std::string_view format) {
    int argument = 1;
    for (std::size_t i = 0; i + 1 < format.size(); ++i) {
        if (format[i] != '%')
            continue;
        i = format.find_first_not_of("-+ #0123456789.", i + 1);
        if (i == std::string_view::npos)
            return;
        if (format[i] == '%')
            continue;
        ++argument;
        if (format[i] == 'p')
            raise(L, "string.format has no %p here: an address differs from run to run");
        if (format[i] != 's' || argument > lua_gettop(L) || lua_type(L, argument) == LUA_TSTRING)
            continue;
        push_shown(L, argument);
        lua_replace(L, argument);
    }
}

} // namespace

void push_shown(lua_State* L, int index) {
    refuse_symbols(L, index, index);
    const int shown = lua_absindex(L, index);
    if (luaL_getmetafield(L, shown, "__tostring") == LUA_TNIL) {
        push_text(L, plain_text(L, shown));
        return;
    }
    lua_pushvalue(L, shown);
    lua_call(L, 1, 1);
    refuse_symbols(L, -1, -1);
    if (lua_type(L, -1) != LUA_TSTRING)
        raise(L, "'__tostring' must return a string");
}

std::string shown_line(lua_State* L, int first) {
    std::string line;
    for (int index = first; index <= lua_gettop(L); ++index) {
        push_shown(L, index);
        line += index > first ? "\t" : "";
        line += text_at(L, -1);
        lua_pop(L, 1);
    }
    return line;
}

int show(lua_State* L) {
    luaL_checkany(L, 1);
    push_shown(L, 1);
    return 1;
}

int careful_format(lua_State* L) {
    luaL_checkstring(L, 1);
    refuse_symbols(L, 1, lua_gettop(L));
    prepare_arguments(L, text_at(L, 1));
    // Called on this very stack, so that its errors name the script's line and string.format.
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

} // namespace respawn::worker
