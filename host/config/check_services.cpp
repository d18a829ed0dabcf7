#include "config/check.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/text.h"

namespace respawn::config {

namespace {

// A text alone, or those of a list.
std::vector<const Node*> texts_of(const Node* node) {
    std::vector<const Node*> texts;
    if (node != nullptr && node->shape == Node::Shape::text)
        texts.push_back(node);
    for (const auto& item : node == nullptr ? std::vector<Node>() : node->children)
        texts.push_back(&item);
    return texts;
}

std::vector<std::string> unit_names(const Node& services) {
    std::vector<std::string> names;
    for (const auto& child : services.find("units")->children)
        names.push_back(child.text);
    if (names.empty())
        names.push_back(services.find("units")->text);
    return names;
}

bool is_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
        return false;
    int port = 0;
    const auto [end, fault] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    return fault == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

using Names = std::vector<std::string>;

// The units that lead from one back to itself, or nothing. Those in `sound` lead to no circle.
Names circle_from(const Node& services, const std::string& name, Names way, Names& sound) {
    if (std::ranges::find(sound, name) != sound.end())
        return {};
    const auto again = std::ranges::find(way, name);
    const bool closed = again != way.end();
    way.push_back(name);
    if (closed)
        return Names(std::ranges::find(way, name), way.end());
    const auto* unit = services.find(name);
    for (const auto* need : texts_of(unit == nullptr ? nullptr : unit->find("needs")))
        if (auto circle = circle_from(services, need->text, way, sound); !circle.empty())
            return circle;
    sound.push_back(name);
    return {};
}

} // namespace

Result<void> Check::services(Node& root) {
    const auto* services = root.find("services");
    const auto held = services == nullptr ? Result<void>() : sound_services(*services);
    if (held.ok())
        return {};
    if (!passed_over(held.error(), Need::optional))
        return held.error();
    std::erase_if(root.children, [](const Node& child) { return child.key == "services"; });
    return {};
}

Result<void> Check::sound_services(const Node& services) const {
    const auto& manager = services.find("manager")->text;
    const auto units = unit_names(services);
    for (const auto* name : texts_of(services.find("units"))) {
        if (!is_unit_name(name->text) || name->text == "all" ||
            find_key("services", name->text)->name != "*")
            return mistake(name->place, fmt::format("'{}' is no name of a unit", printable(name->text)),
                           "use letters, digits and '@', '.', '_', ':', '-'");
        if (std::ranges::count(units, name->text) > 1)
            return mistake(name->place, fmt::format("'{}' is listed twice", name->text));
    }
    TRY(keys_of_kind(services, "services", manager));
    if (const auto* core = services.find("core"))
        TRY(known_units(*core, services));
    for (const auto& child : services.children)
        if (find_key("services", child.key)->name == "*")
            TRY(unit(services, child, manager));
    for (const auto& name : manager == "process" ? units : std::vector<std::string>())
        if (services.find(name) == nullptr || services.find(name)->find("command") == nullptr)
            return mistake(
                services.find("units")->place, fmt::format("nothing says how '{}' is started", name),
                fmt::format("write {}: {{ command: [PROGRAM, ARGUMENT] }} below services", name));
    return no_circle(services);
}

Result<void> Check::keys_of_kind(const Node& node, std::string_view path,
                                 std::string_view manager) const {
    for (const auto& child : node.children)
        if (const auto* key = find_key(path, child.key); !has_kind(*key, manager))
            return mistake(child.key_place, fmt::format("'{}' is for the manager {}", child.key,
                                                        join(words_of(key->kinds), " or ")));
    return {};
}

Result<void> Check::known_units(const Node& names, const Node& services) const {
    const auto known = unit_names(services);
    for (const auto* name : texts_of(&names))
        if (std::ranges::find(known, name->text) == known.end()) {
            const auto near = nearest(name->text, known);
            return mistake(name->place,
                           fmt::format("'{}' is none of the units{}", printable(name->text),
                                       near.empty() ? "" : "; did you mean '" + near + "'?"));
        }
    return {};
}

Result<void> Check::unit(const Node& services, const Node& node, std::string_view manager) const {
    auto known = unit_names(services);
    if (std::ranges::find(known, node.key) == known.end()) {
        for (const auto& key : all_keys())
            if (key.section == "services" && key.name != "*")
                known.emplace_back(key.name);
        const auto near = nearest(node.key, known);
        return mistake(node.key_place,
                       fmt::format("'{}' is none of the units{}", printable(node.key),
                                   near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    TRY(keys_of_kind(node, "services.*", manager));
    if (const auto* needs = node.find("needs"))
        TRY(known_units(*needs, services));
    if (const auto* wanted = node.find("health"))
        return health(*wanted);
    return {};
}

Result<void> Check::health(const Node& health) const {
    if (health.children.size() != 1)
        return mistake(health.place, "a health check has one of 'url', 'tcp' and 'command'");
    const auto& way = health.children.front();
    if (way.key == "url" && !way.text.starts_with("http://") && !way.text.starts_with("https://"))
        return mistake(way.place, "'url' must be an http(s) URL");
    if (way.key == "tcp" && !is_address(way.text))
        return mistake(way.place, "'tcp' must be HOST:PORT");
    return {};
}

Result<void> Check::no_circle(const Node& services) const {
    Names sound;
    for (const auto& name : unit_names(services)) {
        const auto circle = circle_from(services, name, {}, sound);
        if (!circle.empty())
            return mistake(services.find(circle.front())->find("needs")->place,
                           fmt::format("units need each other in a circle: {}", join(circle, " → ")),
                           "one of them has to start without the other");
    }
    return {};
}

} // namespace respawn::config
