#include "run/game.h"
#include "run/primitive.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

using service::Services;

// What is asked for is carried to its end, within its deadlines; Ctrl-C ends the run behind it.
const Cancellation to_its_end;

Value names_value(const std::vector<std::string>& names) {
    return Value::Map{ { "units", Value::List(names.begin(), names.end()) } };
}

Error no_action(const std::string& action) {
    return Error{ .kind = Kind::script,
                  .why = fmt::format("'{}' is nothing that can be done with a service",
                                     printable(action)),
                  .fix = "action is start, stop or restart" };
}

Result<Value> act_on_service(const run::Call& call) {
    auto* services = TRY(call.game().services());
    const auto name = call.text("name"), action = call.text("action"), step = call.name().key();
    if (action == "start")
        return names_value(TRY(services->start(name, to_its_end)));
    if (action == "stop")
        return names_value(TRY(services->stop(name, step, call.truth("stays_down"), to_its_end)));
    if (action == "restart")
        return names_value(TRY(services->restart(name, step, to_its_end)));
    return no_action(action);
}

Result<Moment> when_begun(const run::Call& call) {
    for (const auto& made : TRY(TRY(call.game().journal())->calls(call.name().run)))
        if (made.position == call.name().position)
            return made.begun;
    return Error{ .kind = Kind::internal, .why = "the journal does not know this step" };
}

Result<bool> has_come_true(const run::Call& call, Services& services) {
    const auto name = call.text("name"), action = call.text("action");
    if (action == "start")
        return services.all_run(name, to_its_end);
    if (action == "stop")
        return services.all_stopped(name);
    return services.restarted_since(name, call.name().key(), TRY(when_begun(call)), to_its_end);
}

// The units that it would touch, in the order in which they start.
Result<std::vector<std::string>> touched_by(const run::Call& call, const Services& services) {
    const auto name = call.text("name"), action = call.text("action");
    if (action != "start" && action != "stop" && action != "restart")
        return no_action(action);
    return action == "start" ? services.with_needs(name) : services.with_needers(name);
}

// The manager is asked whether things are as they were to become. Where they are not, doing it again is
// safe: starting what runs and stopping what stands do nothing, and a restart that went half the way, or
// that cannot be told from an older one, is made once more, which costs seconds and no data. A unit that
// somebody else has started since the step began counts: it is as fresh as was wanted.
Result<run::Settled> is_as_wanted(const run::Call& call) {
    auto* services = TRY(call.game().services());
    const bool happened = TRY(has_come_true(call, *services));
    return run::Settled{ .answer = happened ? run::Settled::Answer::happened
                                            : run::Settled::Answer::did_not,
                         .result = names_value({}),
                         .why = {} };
}

std::string how_it_stands(const service::Seen& seen) {
    auto text = fmt::format("{} {}", seen.settings->name, service::name_of(seen.unit.state));
    if (seen.unit.state == service::State::running && seen.unit.since.microseconds > 0)
        text += " for " + human_duration(now() - seen.unit.since);
    if (!seen.needed_by.empty())
        text += fmt::format(", {} need{} it", counted(seen.needed_by.size(), "unit"),
                            seen.needed_by.size() == 1 ? "s" : "");
    return text;
}

// "nginx running for 3 h, 2 units need it": of all units that it would touch.
Result<std::string> facts_of(const run::Call& call) {
    auto* services = TRY(call.game().services());
    std::vector<std::string> facts;
    for (const auto& one : TRY(touched_by(call, *services)))
        for (const auto& seen : TRY(services->look(one, to_its_end)))
            facts.push_back(how_it_stands(seen));
    return join(facts, "; ");
}

Result<Value> would_be_touched(const run::Call& call) {
    return names_value(TRY(touched_by(call, *TRY(call.game().services()))));
}

} // namespace

extern const run::Primitive service_primitive = {
    .name = "service",
    .summary = "Starts, stops or restarts a service of the game. It starts after what it needs, and stops after what needs it; started means healthy, stopped means gone. When the run fails, what it stopped is started again.",
    .effect = run::Effect::changes,
    .capability = run::Capability::service,
    .policy = journal::Policy::probe, // after a crash: ask the manager
    .params = {
        { .name = "action", .type = run::Type::text, .doc = "start, stop or restart" },
        { .name = "name", .type = run::Type::text, .doc = "a unit of `services:`, or all", .fallback = "all" },
        { .name = "stays_down", .type = run::Type::boolean, .doc = "with stop: it is not started again when the run fails", .fallback = false },
    },
    .returns = "{ units }, the names of those that were started or stopped",
    .would = "{action} {name}",
    .facts = facts_of,
    .example = R"(respawn.service { name = "nginx", action = "restart" })",
    .run = act_on_service,
    .recorded = would_be_touched,
    .probe = is_as_wanted,
};

} // namespace respawn::primitives
