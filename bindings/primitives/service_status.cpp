#include "run/game.h"
#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Value status_value(const service::Seen& seen) {
    Value::List needs(seen.settings->needs.begin(), seen.settings->needs.end());
    Value::List needed_by(seen.needed_by.begin(), seen.needed_by.end());
    const auto& unit = seen.unit;
    return Value::Map{
        { "name", seen.settings->name },
        { "state", service::name_of(unit.state) },
        { "running", unit.state == service::State::running },
        { "healthy", unit.state == service::State::running && seen.illness.empty() },
        { "illness", seen.illness },
        { "since", unit.since.microseconds == 0 ? Value() : Value(to_rfc3339(unit.since, true)) },
        { "pid", unit.pid == 0 ? Value() : Value(unit.pid) },
        { "restarts", unit.restarts },
        { "exit_code", unit.exit_code ? Value(*unit.exit_code) : Value() },
        { "why", unit.why },
        { "core", seen.core },
        { "needs", std::move(needs) },
        { "needed_by", std::move(needed_by) }
    };
}

Result<Value> look_at_services(const run::Call& call) {
    const auto name = call.text("name");
    Value::List all;
    for (const auto& seen : TRY(TRY(call.game().services())->look(name, Cancellation())))
        all.push_back(status_value(seen));
    return name == service::all_units ? Value(std::move(all)) : all.front();
}

} // namespace

extern const run::Primitive service_status = {
    .name = "service_status",
    .summary = "How a service of the game stands, or all of them in the order in which they start.",
    .effect = run::Effect::reads,
    .capability = run::Capability::service,
    .params = {
        { .name = "name", .type = run::Type::text, .doc = "a unit of `services:`, or all", .fallback = "all" },
    },
    .returns = "{ name, state, running, healthy, illness, since, pid, restarts, exit_code, why, core, needs, needed_by }, or a list of such; state is running, stopped, starting, stopping, failed, flapping or unknown",
    .example = R"(respawn.check("nginx runs", respawn.service_status { name = "nginx" }.healthy))",
    .run = look_at_services,
};

} // namespace respawn::primitives
