#include "worker/where.h"

#include "base/text.h"
#include "worker/session.h"
#include "worker/values.h"

#include <cstdlib>

namespace respawn::worker {

namespace {

constexpr std::size_t longest_text = 8 * 1024;

std::string shortened(std::string text) {
    if (text.size() > longest_text) {
        text.resize(longest_text);
        text += " …";
    }
    return text;
}

std::string text_field(lua_State* L, int index, const char* key) {
    std::string text;
    lua_pushstring(L, key);
    lua_rawget(L, index);
    if (lua_type(L, -1) == LUA_TSTRING)
        text = text_at(L, -1);
    lua_pop(L, 1);
    return text;
}

std::string why_of(lua_State* L, int index) {
    if (lua_type(L, index) == LUA_TSTRING || lua_type(L, index) == LUA_TNUMBER)
        return plain_text(L, index);
    if (lua_type(L, index) == LUA_TTABLE)
        for (const char* key : { "why", "text", "message" })
            if (auto text = text_field(L, index, key); !text.empty())
                return text;
    return std::string("an error that is a ") + luaL_typename(L, index) + " and says no more";
}

} // namespace

std::string where(lua_State* L, int level) {
    lua_Debug frame;
    for (; lua_getstack(L, level, &frame); ++level) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline > 0 && frame.source[0] == '@')
            return std::string(frame.source + 1) + ":" + std::to_string(frame.currentline);
    }
    return {};
}

void raise(lua_State* L, const std::string& why) {
    auto place = where(L, 0);
    if (place.empty())
        place = session_of(L).place;
    push_text(L, place.empty() ? why : place + ": " + why);
    lua_error(L);
    std::abort(); // lua_error does not come back
}

std::string place_of(lua_State* L, int index) {
    lua_Debug function;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &function);
    return std::string(function.source + 1) + ":" + std::to_string(function.linedefined);
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
    const auto near = name.size() < 3 ? std::string() : nearest(name, known);
    return near.empty() ? near : "; did you mean '" + near + "'?";
}

int note_failure(lua_State* L) {
    auto& failure = session_of(L).failure;
    failure = {};
    failure.where = where(L, 0);
    if (failure.where.empty())
        failure.where = session_of(L).place; // raised about a place, while no Lua runs
    failure.why = shortened(why_of(L, 1));
    if (!failure.where.empty() && failure.why.starts_with(failure.where + ": "))
        failure.why.erase(0, failure.where.size() + 2);
    if (is_host_error(L, 1))
        failure.cause = host_error(L, 1);
    luaL_traceback(L, L, nullptr, 1);
    failure.trace = shortened(std::string(text_at(L, -1)));
    lua_pop(L, 1);
    return 1;
}

} // namespace respawn::worker
