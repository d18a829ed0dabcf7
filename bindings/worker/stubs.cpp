#include "worker/stubs.h"

#include "base/text.h"
#include "worker/guard.h"
#include "worker/host.h"
#include "worker/log.h"
#include "worker/modules.h"
#include "worker/session.h"
#include "worker/symbols.h"
#include "worker/texts.h"
#include "worker/values.h"
#include "worker/where.h"

#include <fmt/format.h>
#include <set>

namespace respawn::worker {

namespace {

using Arguments = Value::Map;

[[noreturn]] void mistake(lua_State* L, const Primitive& primitive, std::string_view why) {
    raise(L, fmt::format("respawn.{}: {}", primitive.name, why));
}

std::vector<std::string> parameter_names(const Primitive& primitive) {
    std::vector<std::string> names;
    for (const auto& parameter : primitive.parameters)
        names.push_back(parameter.name);
    return names;
}

// Whether a value may stand where the type is asked for. Types of the host's own (snapshot, location …)
// are the host's to judge.
bool fits(const Value& value, std::string_view type) {
    if (value.symbol())
        return true;
    if (type == "integer")
        return value.integer();
    if (type == "real" || type == "number")
        return value.real() || value.integer();
    if (type == "text" || type == "boolean" || type == "list" || type == "map")
        return value.type_name() == type;
    if (type == "blob")
        return value.blob() || value.text();
    return true;
}

std::string with_article(std::string_view type) {
    if (type == "null")
        return "null";
    return fmt::format("{} {}", type == "integer" ? "an" : "a", type);
}

Value typed(lua_State* L, const Primitive& primitive, const Parameter& parameter, int index) {
    auto value = to_value(L, index, fmt::format("respawn.{}: {}", primitive.name, parameter.name));
    if (parameter.type == "list" && value.map() && value.map()->empty())
        value = Value::List{};
    const bool whole =
        value.real() && static_cast<double>(lua_tointegerx(L, index, nullptr)) == *value.real();
    if (parameter.type == "integer" && whole)
        value = std::int64_t{ lua_tointeger(L, index) }; // 3.0 is 3
    if (!fits(value, parameter.type))
        mistake(L, primitive,
                fmt::format("{} must be {}, not {}", parameter.name, with_article(parameter.type),
                            with_article(value.type_name())));
    return value;
}

void must_have_required(lua_State* L, const Primitive& primitive, const Arguments& arguments) {
    for (const auto& parameter : primitive.parameters)
        if (parameter.required && !arguments.contains(parameter.name))
            mistake(L, primitive, fmt::format("{} is missing", parameter.name));
}

// The table's keys in byte order, so that of two mistakes always the same one is reported.
std::set<std::string> keys_of(lua_State* L, int table) {
    std::set<std::string> keys;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        keys.insert(plain_text(L, -2).substr(0, 60));
    return keys;
}

void refuse_unknown(lua_State* L, const Primitive& primitive, const std::set<std::string>& keys) {
    for (const auto& key : keys) {
        if (primitive.parameter(key))
            continue;
        mistake(L, primitive,
                fmt::format("there is no parameter '{}'{}", key,
                            suggestion(key, parameter_names(primitive))));
    }
}

Arguments from_table(lua_State* L, const Primitive& primitive) {
    Arguments arguments;
    if (lua_gettop(L) == 0)
        return arguments;
    if (lua_gettop(L) != 1 || !lua_istable(L, 1))
        mistake(L, primitive,
                fmt::format("call it as respawn.{} {{ name = value, … }}", primitive.name));
    refuse_unknown(L, primitive, keys_of(L, 1));
    for (const auto& parameter : primitive.parameters) {
        push_text(L, parameter.name);
        if (lua_rawget(L, 1) != LUA_TNIL)
            arguments.emplace(parameter.name, typed(L, primitive, parameter, 2));
        lua_pop(L, 1);
    }
    return arguments;
}

// A last parameter called text takes what string.format makes of it and all that follows.
void format_text(lua_State* L, int index) {
    if (lua_gettop(L) <= index || lua_type(L, index) != LUA_TSTRING)
        return;
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, index);
    lua_call(L, lua_gettop(L) - index, 1);
}

Arguments from_positions(lua_State* L, const Primitive& primitive) {
    const auto& parameters = primitive.parameters;
    const int count = static_cast<int>(parameters.size());
    if (count > 0 && parameters.back().name == "text")
        format_text(L, count);
    if (lua_gettop(L) > count)
        mistake(
            L, primitive,
            fmt::format("it takes {}, not {}", counted(parameters.size(), "argument"), lua_gettop(L)));
    Arguments arguments;
    for (int index = 1; index <= lua_gettop(L); ++index) {
        const auto& parameter = parameters[static_cast<std::size_t>(index - 1)];
        // nil in a condition means that it does not hold
        if (lua_isnil(L, index) && parameter.required && parameter.type == "boolean")
            arguments.emplace(parameter.name, false);
        else if (!lua_isnil(L, index))
            arguments.emplace(parameter.name, typed(L, primitive, parameter, index));
    }
    return arguments;
}

int call_primitive(lua_State* L) {
    const auto& primitive = *static_cast<const Primitive*>(lua_touserdata(L, lua_upvalueindex(1)));
    const auto& session = session_of(L);
    if (!session.in_phase())
        mistake(L, primitive, "it can be called in a phase, not while the file is being read");
    auto arguments = primitive.positional ? from_positions(L, primitive) : from_table(L, primitive);
    must_have_required(L, primitive, arguments);
    const auto answer = ask_host(Value::Map{ { "kind", "call" },
                                             { "primitive", primitive.name },
                                             { "arguments", std::move(arguments) },
                                             { "phase", session.phase },
                                             { "where", where(L) } });
    if (!answer.ok())
        mistake(L, primitive, answer.error().why);
    if (answer.value().at("error").map())
        raise_host_error(L, answer.value().at("error"));
    push(L, answer.value().at("value"));
    return 1;
}

int make_blob(lua_State* L) {
    refuse_symbols(L, 1, 1);
    luaL_checktype(L, 1, LUA_TSTRING);
    push_blob(L, text_at(L, 1));
    return 1;
}

int read_respawn(lua_State* L) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    std::vector<std::string> names;
    for (lua_pushnil(L); lua_next(L, lua_upvalueindex(1)); lua_pop(L, 1))
        names.push_back(plain_text(L, -2));
    const auto name = plain_text(L, 2).substr(0, 60);
    raise(L, fmt::format("respawn has no '{}'{}", name, suggestion(name, names)));
}

void add_primitives(lua_State* L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_getfield(L, -1, "string");
    lua_getfield(L, -1, "format");
    lua_replace(L, -3);
    lua_pop(L, 1);
    for (const auto& [name, primitive] : session_of(L).primitives) {
        push_text(L, name);
        lua_pushlightuserdata(L, const_cast<Primitive*>(&primitive));
        lua_pushvalue(L, -3);
        lua_pushcclosure(L, call_primitive, 2);
        lua_rawset(L, -4);
    }
    lua_pop(L, 1);
}

} // namespace

void give_respawn(lua_State* L) {
    lua_newtable(L);
    add_primitives(L);
    lua_pushcfunction(L, log_line);
    lua_setfield(L, -2, "log");
    lua_pushcfunction(L, make_blob);
    lua_setfield(L, -2, "blob");
    push_null(L);
    lua_setfield(L, -2, "null");
    push_symbol(L, "now");
    lua_setfield(L, -2, "at_write_time");
    guard(L, "respawn", read_respawn);
    set_module(L, "respawn");
}

} // namespace respawn::worker
