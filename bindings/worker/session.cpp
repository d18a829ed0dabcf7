#include "worker/session.h"

#include <algorithm>

namespace respawn::worker {

namespace {

constexpr std::int64_t smallest_memory = 1 << 20;
constexpr std::int64_t default_memory = 64 << 20;
constexpr std::int64_t default_log_lines = 10'000;

bool is_true(const Value& value) { return value.boolean() && *value.boolean(); }

Primitive read_primitive(const Value& told) {
    Primitive primitive{ .name = told.text_at("name"), .positional = is_true(told.at("positional")) };
    if (const auto* parameters = told.at("parameters").list())
        for (const auto& parameter : *parameters)
            primitive.parameters.push_back({ .name = parameter.text_at("name"),
                                             .type = parameter.text_at("type", "any"),
                                             .required = is_true(parameter.at("required")) });
    return primitive;
}

void read_lists(const Value& start, Session& session) {
    if (const auto* sources = start.at("sources").map())
        for (const auto& [module, source] : *sources)
            if (source.text())
                session.sources.emplace(module, *source.text());
    if (const auto* primitives = start.at("primitives").list())
        for (const auto& told : *primitives) {
            auto primitive = read_primitive(told);
            session.primitives.emplace(primitive.name, primitive);
        }
}

} // namespace

const Parameter* Primitive::parameter(std::string_view wanted) const {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const Parameter& one) { return one.name == wanted; });
    return found == parameters.end() ? nullptr : &*found;
}

std::string Session::file_of(std::string_view module) const {
    if (module == main)
        return name + ".lua";
    std::string path(module);
    std::replace(path.begin(), path.end(), '.', '/');
    const auto slash = name.rfind('/');
    if (!module.starts_with("stdlib.") && slash != std::string::npos)
        path = name.substr(0, slash + 1) + path;
    return path + ".lua";
}

Result<Session> read_session(const Value& start) {
    Session session{ .task = start.text_at("task"),
                     .name = start.text_at("name"),
                     .main = start.text_at("main"),
                     .parameters = start.at("parameters"),
                     .description = start.at("description"),
                     .globals = start.text_at("globals"),
                     .seed = start.integer_at("seed") };
    if (session.task != "describe" && session.task != "run" && session.task != "test")
        return Error{ .kind = Kind::usage, .why = "the start message names no task that there is" };
    if (session.name.empty() || session.main.empty())
        return Error{ .kind = Kind::usage, .why = "the start message names no runbook" };
    session.memory_bytes = static_cast<std::size_t>(
        std::max(smallest_memory, start.integer_at("memory_bytes", default_memory)));
    session.log_lines = start.integer_at("log_lines", default_log_lines);
    read_lists(start, session);
    return session;
}

void attach(lua_State* L, Session& session) {
    *static_cast<Session**>(lua_getextraspace(L)) = &session;
}

Session& session_of(lua_State* L) { return **static_cast<Session**>(lua_getextraspace(L)); }

} // namespace respawn::worker
