#include "run/primitive.h"

#include "base/text.h"
#include "run/mode.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

constexpr std::string_view type_names[] = { "any",      "text",    "integer",   "real",     "boolean",
                                            "list",     "map",     "component", "snapshot", "stream",
                                            "duration", "channel", "chain",     "location", "table" };
constexpr std::string_view capability_names[] = { "",           "vault.read", "vault.write", "sql.read",
                                                  "sql.write",  "files.read", "files.write", "service",
                                                  "chain",      "http",       "notify",      "lockdown",
                                                  "redis.read", "redis.write" };

bool fits(Type type, const Value& value) {
    if (value.symbol())
        return true; // something that is not known yet, in a dry run
    switch (type) {
    case Type::any:
        return true;
    case Type::integer:
        return value.integer() != nullptr;
    case Type::real:
        return value.real() || value.integer();
    case Type::boolean:
        return value.boolean() != nullptr;
    case Type::list:
    case Type::stream:
        return value.list() != nullptr;
    case Type::map:
        return value.map() != nullptr;
    case Type::snapshot:
        return value.text() || value.map();
    default:
        return value.text() != nullptr;
    }
}

// Lua's empty table is a list; where a map belongs it is an empty map.
Value adapted(Type type, Value value) {
    if (type == Type::map && value.list() && value.list()->empty())
        return Value::Map{};
    return value;
}

Error unsound(const Primitive& primitive, std::string_view why) {
    return Error{ .kind = Kind::internal,
                  .why = fmt::format("primitive {} {}", primitive.name, why),
                  .fix = "correct its definition in bindings/primitives" };
}

Result<void> must_be_sound(const Primitive& primitive) {
    const bool is_read = !changes_something(primitive.effect);
    if (!is_read && primitive.policy == journal::Policy::none)
        return unsound(primitive, "changes something and has no policy for a crash in the middle");
    if (is_read && primitive.policy != journal::Policy::none)
        return unsound(primitive, "only reads and has a policy");
    if (!is_read && primitive.capability == Capability::none)
        return unsound(primitive, "changes something and needs no capability");
    if (!is_read && primitive.would.empty())
        return unsound(primitive, "has no line for the dry run");
    const bool runs = primitive.effect == Effect::reads || primitive.effect == Effect::changes;
    if (runs != (primitive.run != nullptr) ||
        (primitive.effect == Effect::writes_rows) != (primitive.write != nullptr) ||
        (primitive.effect == Effect::restores) != (primitive.restore != nullptr))
        return unsound(primitive, "has not the one function that its effect needs");
    if (primitive.effect == Effect::changes &&
        (primitive.policy == journal::Policy::probe) != (primitive.probe != nullptr))
        return unsound(primitive, "has a probe without the policy, or the policy without a probe");
    if (primitive.recorded && primitive.effect != Effect::changes)
        return unsound(primitive, "says what it gives when it is only recorded, and is never");
    return {};
}

} // namespace

bool changes_something(Effect effect) { return effect != Effect::reads && effect != Effect::asks; }

std::string_view name_of(Type type) { return type_names[static_cast<int>(type)]; }
std::string_view name_of(Capability capability) {
    return capability_names[static_cast<int>(capability)];
}

std::string CallName::key() const { return fmt::format("{}.{}", run, position); }

const Value& Call::operator[](std::string_view parameter) const {
    static const Value nothing;
    const auto found = arguments_.find(parameter);
    return found == arguments_.end() ? nothing : found->second;
}

const Value::List& Call::list(std::string_view parameter) const {
    static const Value::List nothing;
    const auto* items = (*this)[parameter].list();
    return items ? *items : nothing;
}

const Value::Map& Call::map(std::string_view parameter) const {
    static const Value::Map nothing;
    const auto* members = (*this)[parameter].map();
    return members ? *members : nothing;
}

Result<database::Reader*> Call::reader(std::string_view component) const {
    return mode_.reader(component);
}

Result<std::vector<std::string>> Call::faults(std::string_view component) const {
    return mode_.faults(component);
}

const Primitive* find(const Primitives& primitives, std::string_view name) {
    const auto found =
        std::find_if(primitives.begin(), primitives.end(),
                     [&](const Primitive* primitive) { return primitive->name == name; });
    return found == primitives.end() ? nullptr : *found;
}

Result<void> must_be_sound(const Primitives& primitives) {
    for (const auto* primitive : primitives)
        TRY(must_be_sound(*primitive));
    return {};
}

Result<Value::Map> check_arguments(const Primitive& primitive, const Value& arguments) {
    static const Value::Map none;
    const auto* given = arguments.map() ? arguments.map() : &none;
    std::vector<std::string> known;
    for (const auto& parameter : primitive.params)
        known.emplace_back(parameter.name);
    for (const auto& [name, value] : *given)
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            const auto near = nearest(name, known);
            return Error{ .kind = Kind::script,
                          .why = fmt::format("respawn.{} has no argument {}", primitive.name,
                                             printable(name)),
                          .fix = near.empty() ? "see `respawn explain` or docs/reference/primitives.md"
                                              : fmt::format("did you mean {}?", near) };
        }
    Value::Map checked;
    for (const auto& parameter : primitive.params) {
        const auto found = given->find(parameter.name);
        const bool left_out = found == given->end() || found->second.is_null();
        if (left_out && !parameter.fallback && !parameter.optional)
            return Error{ .kind = Kind::script,
                          .why = fmt::format("respawn.{} needs the argument {} ({})", primitive.name,
                                             parameter.name, parameter.doc) };
        if (left_out) {
            checked.emplace(parameter.name, parameter.fallback.value_or(Value()));
            continue;
        }
        auto value = adapted(parameter.type, found->second);
        if (!fits(parameter.type, value))
            return Error{ .kind = Kind::script,
                          .why =
                              fmt::format("the argument {} of respawn.{} is {}; it should be {} ({})",
                                          parameter.name, primitive.name, value.type_name(),
                                          name_of(parameter.type), parameter.doc) };
        checked.emplace(parameter.name, std::move(value));
    }
    return checked;
}

namespace {

// The Lua type that a worker can check before it asks the host.
std::string_view lua_type(Type type) {
    switch (type) {
    case Type::snapshot:
    case Type::any:
        return "any";
    case Type::integer:
    case Type::real:
    case Type::boolean:
    case Type::list:
    case Type::map:
        return name_of(type);
    case Type::stream:
        return "list";
    default:
        return "text";
    }
}

} // namespace

Value stubs_of(const Primitives& primitives) {
    Value::List stubs;
    for (const auto* primitive : primitives) {
        Value::List parameters;
        for (const auto& parameter : primitive->params)
            parameters.push_back(
                Value::Map{ { "name", parameter.name },
                            { "type", lua_type(parameter.type) },
                            { "required", !parameter.optional && !parameter.fallback } });
        stubs.push_back(Value::Map{ { "name", primitive->name },
                                    { "parameters", std::move(parameters) },
                                    { "positional", primitive->positional } });
    }
    return stubs;
}

namespace {

// Texts stand in a sentence without quotes, a snapshot by its id, lists as their items.
std::string in_sentence(const Value& value) {
    if (const auto* text = value.text())
        return printable(*text);
    if (value.map() && value.at("id").text())
        return printable(*value.at("id").text());
    if (const auto* items = value.list()) {
        std::vector<std::string> names;
        for (const auto& item : *items)
            names.push_back(in_sentence(item));
        return names.empty() ? "everybody" : join(names, ", ");
    }
    return to_text(value);
}

} // namespace

std::string would_text(const Primitive& primitive, const Value::Map& arguments) {
    std::string text(primitive.would);
    for (const auto& parameter : primitive.params) {
        const auto mark = fmt::format("{{{}}}", parameter.name);
        const auto found = arguments.find(parameter.name);
        const auto shown = found == arguments.end() ? std::string() : in_sentence(found->second);
        for (auto at = text.find(mark); at != std::string::npos;
             at = text.find(mark, at + shown.size()))
            text.replace(at, mark.size(), shown);
    }
    return text;
}

} // namespace respawn::run
