#include "run/runbook.h"

#include "base/text.h"

#include <charconv>
#include <fmt/format.h>

namespace respawn::run {

namespace {

constexpr std::size_t most_modules = 100;
constexpr std::size_t most_source = std::size_t{ 6 } << 20; // all must fit into one message

Result<Value> typed_list(const std::string& written) {
    Value::List items;
    for (const auto item : split(written, ','))
        if (!trimmed(item).empty())
            items.push_back(trimmed(item));
    return Value(std::move(items));
}

template <class Number> Result<Value> typed_number(std::string_view written) {
    Number number{};
    const auto end = written.data() + written.size();
    const auto [stopped, fault] = std::from_chars(written.data(), end, number);
    if (fault != std::errc() || stopped != end)
        return Error{ .kind = Kind::usage };
    return Value(number);
}

Result<Value> typed(const RunbookParameter& param, const std::string& written) {
    if (param.type == "integer")
        return typed_number<std::int64_t>(written);
    if (param.type == "real")
        return typed_number<double>(written);
    if (param.type == "list")
        return typed_list(written);
    if (param.type == "boolean" && written != "true" && written != "false")
        return Error{ .kind = Kind::usage };
    return param.type == "boolean" ? Value(written == "true") : Value(written);
}

std::string example_of(const RunbookParameter& param) {
    return param.type == "integer" ? "4711" : param.type == "boolean" ? "true" : "…";
}

Result<Value> value_of(const RunbookParameter& param, const std::map<std::string, std::string>& given) {
    const auto found = given.find(param.name);
    if (found == given.end()) {
        if (!param.fallback.is_null() || param.optional)
            return param.fallback;
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("parameter {} is missing: {}", param.name, param.doc),
                      .fix = fmt::format("add {}={}", param.name, example_of(param)) };
    }
    auto value = typed(param, found->second);
    if (!value.ok())
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("parameter {} must be {} {}, not '{}'", param.name,
                                         param.type == "integer" ? "an" : "a", param.type,
                                         printable(found->second)) };
    return value;
}

std::size_t size_of(const Source& source) {
    std::size_t size = 0;
    for (const auto& [name, text] : source.modules)
        size += text.size();
    return size;
}

// Gives the worker a module it asks for, and keeps it.
Value hand_out(Source& source, const std::string& module, const Folders& folders) {
    const auto refuse = [](std::string why) {
        return Value::Map{ { "error", Value::Map{ { "why", std::move(why) } } } };
    };
    if (source.modules.size() >= most_modules)
        return refuse(fmt::format("a runbook may require at most {} modules", most_modules));
    auto text = read_module(source, module, folders);
    if (!text.ok())
        return refuse(text.error().why);
    if (size_of(source) + text.value().size() > most_source)
        return refuse(fmt::format("its modules are larger than {} together", human_size(most_source)));
    return Value::Map{
        { "source", source.modules.insert_or_assign(module, std::move(text).value()).first->second }
    };
}

// Until the worker has described or failed: hands out modules, passes over what is logged.
Result<Value> described_table(Worker& worker, Source& source, const Folders& folders) {
    for (;;) {
        const auto message = TRY(worker.receive());
        const auto kind = message.text_at("kind");
        if (kind == "described" && message.at("table").map())
            return message.at("table");
        if (kind == "failed")
            return script_error(message);
        if (kind == "need")
            TRY(worker.send(hand_out(source, message.text_at("module"), folders)));
        else if (kind == "log")
            TRY(worker.send(Value::Map{}));
        else
            return Error{ .kind = Kind::script,
                          .why = fmt::format("{}.lua does more than describe itself ({})", source.name,
                                             printable(kind.substr(0, 40))) };
    }
}

} // namespace

Result<Runbook> describe(Source source, const Folders& folders, const Value& primitives,
                         const WorkerLimits& limits, const Cancellation& cancel) {
    auto worker = TRY(Worker::start(task_message("describe", source, primitives), limits, cancel));
    const auto table = TRY(described_table(worker, source, folders));
    auto description = TRY(read_description(table, source));
    return Runbook{ std::move(source), std::move(description) };
}

Result<Value> read_parameters(const Description& description,
                              const std::map<std::string, std::string>& given) {
    std::vector<std::string> names;
    Value::Map parameters;
    for (const auto& param : description.params) {
        names.push_back(param.name);
        auto value = TRY(value_of(param, given));
        if (!value.is_null())
            parameters.emplace(param.name, std::move(value));
    }
    for (const auto& [name, written] : given)
        if (!description.param(name))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("the runbook has no parameter '{}'", printable(name)),
                          .fix = names.empty() ? "it takes none" : "it takes " + join(names, ", ") };
    return Value(std::move(parameters));
}

std::string target_of(const Description& description, const Value& parameters) {
    std::string target;
    std::string_view rest = description.target;
    for (auto open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
        const auto close = rest.find('}', open);
        const auto& value = parameters.at(rest.substr(open + 1, close - open - 1));
        target += rest.substr(0, open);
        target += value.text() ? *value.text() : to_text(value);
        rest.remove_prefix(close + 1);
    }
    return target.append(rest);
}

Value::Map task_message(std::string_view task, const Source& source, const Value& primitives) {
    Value::Map sources;
    for (const auto& [module, text] : source.modules)
        sources.emplace(module, text);
    return { { "task", task },
             { "name", source.name },
             { "main", source.main },
             { "sources", std::move(sources) },
             { "primitives", primitives } };
}

Error script_error(const Value& failed) {
    const auto where = printable(failed.text_at("where").substr(0, 300));
    const auto why = printable(failed.text_at("why", "it does not say why"));
    return { .kind = Kind::script, .why = where.empty() ? why : where + ": " + why };
}

} // namespace respawn::run
