#include "run/gate.h"

#include "base/bytes.h"
#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

constexpr std::int64_t most_calls = 100'000;
constexpr std::string_view effect_phases[] = { "backup", "repair", "notify" };

bool may_change(std::string_view phase) {
    return std::find(std::begin(effect_phases), std::end(effect_phases), phase) !=
           std::end(effect_phases);
}

std::string component_of(const Primitive& primitive, const Value::Map& arguments) {
    for (const auto& parameter : primitive.params)
        if (parameter.type == Type::component)
            if (const auto found = arguments.find(parameter.name);
                found != arguments.end() && found->second.text())
                return *found->second.text();
    return {};
}

} // namespace

Result<void> Gate::enter(std::string_view phase) {
    phase_ = phase;
    TRY(mode_.enter(phase));
    listener_.phase(phase);
    return {};
}

Result<const Primitive*> Gate::allowed(std::string_view name) const {
    const auto* primitive = find(primitives_, name);
    if (!primitive)
        return Error{ .kind = Kind::script,
                      .why = fmt::format("there is no primitive respawn.{}", printable(name)),
                      .fix = "docs/reference/primitives.md lists them" };
    const auto needed = name_of(primitive->capability);
    if (!needed.empty() &&
        std::find(runbook_.uses.begin(), runbook_.uses.end(), needed) == runbook_.uses.end())
        return Error{ .kind = Kind::denied,
                      .why = fmt::format(
                          "respawn.{} needs the capability {}, which the runbook does not declare",
                          name, needed),
                      .fix = fmt::format("add \"{}\" to its `uses`", needed) };
    if (changes_something(primitive->effect) && !may_change(phase_))
        return Error{ .kind = Kind::denied,
                      .why =
                          fmt::format("respawn.{} changes something, and {} only looks", name, phase_),
                      .fix = "do it in backup, repair or notify" };
    return primitive;
}

Result<Step> Gate::step_of(const Primitive& primitive, const Value& message) {
    auto arguments = TRY(check_arguments(primitive, message.at("arguments")));
    Step step{ .primitive = primitive,
               .arguments = std::move(arguments),
               .position = ++position_,
               .phase = phase_,
               .where = message.text_at("where").substr(0, 200),
               .component = {},
               .argument_hash = {} };
    for (const auto& parameter : primitive.params)
        if (parameter.type == Type::component &&
            step.arguments.at(std::string(parameter.name)).is_null())
            step.arguments[std::string(parameter.name)] = TRY(game_.only_database());
    step.component = component_of(primitive, step.arguments);
    step.argument_hash = to_hex(crypto::sha256(encode(step.arguments)));
    return step;
}

Result<Value> Gate::pass(const Value& message) {
    if (position_ >= most_calls)
        return Error{ .kind = Kind::internal,
                      .why = fmt::format("the runbook made more than {} calls", most_calls),
                      .fix = "let SQL or one write do the work of many" };
    const auto* primitive = TRY(allowed(message.text_at("primitive")));
    const auto step = TRY(step_of(*primitive, message));
    auto done = TRY(mode_.perform(step));
    listener_.done(step, done);
    return std::move(done.value);
}

} // namespace respawn::run
