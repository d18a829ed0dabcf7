#include "worker/tasks.h"

#include "base/text.h"
#include "worker/allocator.h"
#include "worker/guard.h"
#include "worker/host.h"
#include "worker/language.h"
#include "worker/modules.h"
#include "worker/order.h"
#include "worker/stubs.h"
#include "worker/symbols.h"
#include "worker/values.h"
#include "worker/where.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::worker {

namespace {

constexpr std::string_view phases[] = { "diagnose", "backup", "repair", "verify", "notify" };

// Leaves the table that the runbook's file returns on the stack.
void push_runbook(lua_State* L) {
    auto& session = session_of(L);
    push_module(L, session.main);
    session.place = session.file_of(session.main);
    if (!lua_istable(L, -1))
        raise(L, fmt::format("{} must return the runbook's table, not a {}",
                             session.file_of(session.main), luaL_typename(L, -1)));
}

Value::List in_order(const std::vector<std::string>& functions) {
    Value::List names;
    for (const auto phase : phases)
        if (std::find(functions.begin(), functions.end(), phase) != functions.end())
            names.push_back(phase);
    for (const auto& name : functions)
        if (std::find(std::begin(phases), std::end(phases), name) == std::end(phases))
            names.push_back(name); // the host says what is wrong with it
    return names;
}

// The runbook's table as plain data, and the names of its functions, phases first. Whether it is a
// sound description is the host's to judge.
Value describe_table(lua_State* L, int table) {
    Value::Map fields;
    std::vector<std::string> functions;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const auto name = plain_text(L, -2);
        if (lua_type(L, -2) != LUA_TSTRING)
            raise(L, fmt::format("the runbook's table has the key {}; all its keys are names", name));
        if (lua_isfunction(L, -1))
            functions.push_back(name);
        else
            fields.emplace(name, to_value(L, -1, name));
    }
    std::sort(functions.begin(), functions.end());
    fields.insert_or_assign("phases", in_order(functions));
    return fields;
}

[[noreturn]] void describe(lua_State* L) {
    push_runbook(L);
    auto table = describe_table(L, lua_gettop(L));
    Value::List modules;
    for (const auto& [name, source] : session_of(L).sources)
        modules.push_back(name);
    end_with(Value::Map{
        { "kind", "described" }, { "table", std::move(table) }, { "modules", std::move(modules) } });
}

void run_phase(lua_State* L, int runbook, int case_table, std::string_view phase) {
    auto& session = session_of(L);
    push_text(L, phase);
    if (lua_rawget(L, runbook) != LUA_TFUNCTION)
        return lua_pop(L, 1);
    (void)ask_host(Value::Map{ { "kind", "phase" }, { "name", phase } });
    session.phase = phase;
    session.place = place_of(L, -1); // for what is wrong with it as a whole
    lua_pushvalue(L, case_table);
    lua_call(L, 1, LUA_MULTRET);
    if (lua_gettop(L) > case_table)
        raise(L,
              fmt::format("{} returns a value; a phase keeps what the next one needs in case", phase));
    must_be_plain(L, case_table, "case");
    session.phase.clear();
}

[[noreturn]] void run(lua_State* L) {
    const auto& session = session_of(L);
    push_runbook(L);
    const int runbook = lua_gettop(L);
    if (!(describe_table(L, runbook) == session.description))
        raise(L, "the runbook describes itself differently from before");
    push(L, session.parameters.map() ? session.parameters : Value::Map{});
    const int case_table = lua_gettop(L);
    for (const auto phase : phases)
        run_phase(L, runbook, case_table, phase);
    end_with(Value::Map{ { "kind", "done" } });
}

[[noreturn]] void run_test(lua_State* L) {
    auto& session = session_of(L);
    if (!session.globals.empty()) {
        push_module(L, session.globals);
        luaL_checktype(L, -1, LUA_TTABLE);
        add_globals(L);
    }
    session.phase = "test";
    push_module(L, session.main);
    end_with(Value::Map{ { "kind", "done" } });
}

int perform(lua_State* L) {
    prepare_guard(L);
    prepare_values(L);
    prepare_symbols(L);
    give_language(L);
    give_respawn(L);
    lua_settop(L, 0);
    const auto& task = session_of(L).task;
    if (task == "describe")
        describe(L);
    if (task == "run")
        run(L);
    run_test(L);
}

[[noreturn]] void end_failed(const Session& session, int status) {
    auto failure = session.failure;
    if (status == LUA_ERRMEM)
        failure = { .why = fmt::format("the script used more than its {} of memory: a table or a text "
                                       "that only grows, or a function that calls itself without end",
                                       human_size(session.memory_bytes)) };
    else if (failure.why.empty())
        failure.why = "the script failed and does not say why";
    Value::Map last{ { "kind", "failed" },
                     { "why", failure.why },
                     { "where", failure.where },
                     { "trace", failure.trace } };
    if (!failure.cause.is_null())
        last.emplace("cause", failure.cause);
    end_with(last);
}

} // namespace

void work(Session& session) {
    Memory memory{ .cap = session.memory_bytes };
    lua_State* L = lua_newstate(allocate, &memory);
    if (!L)
        end_with_failure("there is no memory for the script");
    attach(L, session);
    // The first error ends the task, so nothing on the stack matters afterwards.
    lua_pushcfunction(L, note_failure);
    lua_pushcfunction(L, perform);
    end_failed(session, lua_pcall(L, 0, 0, 1));
}

} // namespace respawn::worker
