// The one place of `base` that knows a JSON library; its header is heavy.
#include "base/bytes.h"
#include "base/value.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace respawn {

namespace {

using Json = nlohmann::ordered_json;

Json to_library(const Value& value) {
    if (const auto* truth = value.boolean())
        return *truth;
    if (const auto* whole = value.integer())
        return *whole;
    if (const auto* number = value.real())
        return *number;
    if (const auto* text = value.text())
        return *text;
    if (const auto* blob = value.blob())
        return Json{ { "$blob", to_hex(blob->bytes) } };
    if (const auto* symbol = value.symbol())
        return Json{ { "$symbol", symbol->name } };
    if (const auto* items = value.list()) {
        auto array = Json::array();
        for (const auto& item : *items)
            array.push_back(to_library(item));
        return array;
    }
    if (const auto* members = value.map()) {
        auto object = Json::object();
        for (const auto& [key, member] : *members)
            object[key] = to_library(member);
        return object;
    }
    return nullptr;
}

Value from_library(const Json& json) {
    switch (json.type()) {
    case Json::value_t::boolean:
        return json.get<bool>();
    case Json::value_t::number_integer:
        return json.get<std::int64_t>();
    case Json::value_t::number_unsigned: {
        const auto number = json.get<std::uint64_t>();
        return number > INT64_MAX ? Value(static_cast<double>(number))
                                  : Value(static_cast<std::int64_t>(number));
    }
    case Json::value_t::number_float:
        return json.get<double>();
    case Json::value_t::string:
        return json.get<std::string>();
    case Json::value_t::array: {
        Value::List items;
        for (const auto& item : json)
            items.push_back(from_library(item));
        return items;
    }
    case Json::value_t::object: {
        Value::Map members;
        for (const auto& [key, member] : json.items())
            members.insert_or_assign(key, from_library(member));
        return members;
    }
    default:
        return nullptr;
    }
}

} // namespace

std::string to_json(const Value& value, int indent) {
    return to_library(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<Value> from_json(std::string_view text) {
    bool too_deep = false;
    const auto within_depth = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > max_depth;
        return !too_deep;
    };
    try {
        const auto json = Json::parse(text, within_depth);
        if (too_deep)
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("the JSON is nested more than {} deep", max_depth) };
        return from_library(json);
    } catch (const Json::exception& fault) {
        return Error{ .kind = Kind::corrupt, .why = fmt::format("not valid JSON: {}", fault.what()) };
    }
}

} // namespace respawn
