#include "worker/modules.h"

#include "base/text.h"
#include "worker/host.h"
#include "worker/session.h"
#include "worker/values.h"
#include "worker/where.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::worker {

namespace {

const char loaded_modules = 0; // in the registry: what each module returned
constexpr std::size_t longest_name = 100;

void push_loaded(lua_State* L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_modules) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_modules);
}

bool is_module_name(std::string_view name) {
    const auto known = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    const auto parts = split(name, '.');
    return name.size() <= longest_name && std::all_of(parts.begin(), parts.end(), [&](auto part) {
               return !part.empty() && std::all_of(part.begin(), part.end(), known);
           });
}

// Raises where the module is already being loaded, and shows the way round.
void refuse_circle(lua_State* L, const std::vector<std::string>& loading, std::string_view name) {
    const auto first = std::find(loading.begin(), loading.end(), name);
    if (first == loading.end())
        return;
    const std::vector<std::string> way(first, loading.end());
    raise(L, fmt::format("modules require each other in a circle: {} → {}", join(way, " → "), name));
}

// The source as told, or as the host gives it.
const std::string& source_of(lua_State* L, std::string_view name) {
    auto& session = session_of(L);
    if (const auto found = session.sources.find(name); found != session.sources.end())
        return found->second;
    if (session.task == "run" || (session.in_phase() && session.task != "test"))
        raise(L, fmt::format("module '{}' was not there when the runbook was described; require it "
                             "at the top of the file",
                             name));
    const auto answer = ask_host(Value::Map{ { "kind", "need" }, { "module", name } });
    const auto* source = answer.ok() ? answer.value().at("source").text() : nullptr;
    if (!source)
        raise(L, fmt::format("module '{}' cannot be had: {}", name,
                             answer.ok() ? answer.value().at("error").text_at("why", "no answer")
                                         : answer.error().why));
    return session.sources.emplace(name, *source).first->second;
}

struct Loading {
    Loading(std::vector<std::string>& into, std::string_view name) : stack(into) {
        stack.emplace_back(name);
    }
    ~Loading() { stack.pop_back(); }
    Loading(const Loading&) = delete;
    Loading& operator=(const Loading&) = delete;
    std::vector<std::string>& stack;
};

void compile(lua_State* L, std::string_view name) {
    const auto& source = source_of(L, name);
    const auto file = session_of(L).file_of(name);
    if (source.starts_with(LUA_SIGNATURE))
        raise(L, fmt::format("{} is compiled Lua; only its text is taken", file));
    if (luaL_loadbufferx(L, source.data(), source.size(), ("@" + file).c_str(), "t") != LUA_OK)
        lua_error(L);
}

void load(lua_State* L, std::string_view name) {
    auto& loading = session_of(L).loading;
    refuse_circle(L, loading, name);
    luaL_checkstack(L, 16, "modules require too deep");
    const Loading here(loading, name);
    compile(L, name);
    lua_call(L, 0, 1);
    const auto& session = session_of(L);
    const bool test_file = session.task == "test" && name == session.main;
    if (lua_isnil(L, -1) && !test_file)
        raise(L, fmt::format("{} returns nothing; its last line must return its table",
                             session.file_of(name)));
}

} // namespace

int require(lua_State* L) {
    luaL_checktype(L, 1, LUA_TSTRING);
    const std::string name(text_at(L, 1));
    if (!is_module_name(name))
        raise(L, fmt::format("'{}' is no name of a module: a-z, 0-9, _ and dots between",
                             printable(name.substr(0, longest_name))));
    push_module(L, name);
    return 1;
}

void push_module(lua_State* L, std::string_view name) {
    push_loaded(L);
    push_text(L, name);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        load(L, name);
        push_text(L, name);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

void set_module(lua_State* L, const char* name) {
    push_loaded(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

} // namespace respawn::worker
