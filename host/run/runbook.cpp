#include "run/runbook.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::run {

namespace {

constexpr std::size_t largest_source = 1 << 20;
constexpr std::size_t most_modules = 200;

bool is_plain_name(std::string_view name) {
    return !name.empty() &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

Result<std::string> read_source(const io::Path& file) {
    if (!std::filesystem::is_regular_file(file))
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("{} is no file", printable(file.string())) };
    return io::read_file(file, largest_source);
}

// A file and what it is called.
struct Found {
    std::string name;
    io::Path file;
};

Error unknown_runbook(const std::string& name, const Places& places) {
    const auto known = list_runbooks(places);
    const auto near = nearest(name, known);
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("there is no runbook '{}'", printable(name)),
                  .fix = near.empty() ? "respawn runbooks lists them"
                                      : fmt::format("did you mean {}?", near) };
}

bool is_runbook_name(std::string_view name) {
    const auto parts = split(name, '/');
    return std::all_of(parts.begin(), parts.end(), is_plain_name);
}

Result<Found> find_runbook(const std::string& runbook, const Places& places) {
    if (runbook.ends_with(".lua")) {
        const auto file = std::filesystem::absolute(runbook);
        return Found{ .name = file.parent_path().filename().string() + "/" + file.stem().string(),
                      .file = file };
    }
    if (is_runbook_name(runbook))
        for (const auto& folder : places.runbooks)
            if (const auto file = folder / (runbook + ".lua"); std::filesystem::is_regular_file(file))
                return Found{ .name = runbook, .file = file };
    return unknown_runbook(runbook, places);
}

// ---- checking what a runbook says of itself ----

Error wrong(std::string_view what, std::string fix = {}) {
    return Error{ .kind = Kind::script,
                  .why = fmt::format("the runbook's table is not right: {}", what),
                  .fix = std::move(fix) };
}

Result<void> must_know_keys(const Value& table) {
    static const std::vector<std::string> known = { "version",  "summary",  "params", "uses",
                                                    "target",   "deadline", "rto",    "approvals",
                                                    "requires", "phases" };
    for (const auto& [key, value] : *table.map())
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            const auto near = nearest(key, known);
            return wrong(fmt::format("it has '{}', which means nothing", printable(key)),
                         near.empty() ? "" : fmt::format("did you mean {}?", near));
        }
    for (const auto* later : { "approvals", "requires" })
        if (!table.at(later).is_null())
            return wrong(fmt::format("`{}` is not in this version of respawn", later),
                         "take it out; nothing would hold to it");
    return {};
}

bool is_version(std::string_view text) {
    const auto parts = split(text, '.');
    return parts.size() == 3 && std::all_of(parts.begin(), parts.end(), [](auto part) {
               return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
           });
}

Result<void> check_phases(const Description& runbook) {
    static const std::vector<std::string> known = { "diagnose", "backup", "repair", "verify",
                                                    "notify" };
    for (const auto& phase : runbook.phases)
        if (std::find(known.begin(), known.end(), phase) == known.end())
            return wrong(fmt::format("it has a function '{}', which is no phase", printable(phase)),
                         fmt::format("phases are {}; keep other functions local", join(known, ", ")));
    for (const auto* needed : { "diagnose", "verify" })
        if (std::find(runbook.phases.begin(), runbook.phases.end(), needed) == runbook.phases.end())
            return wrong(fmt::format("it has no function {}", needed));
    return {};
}

Result<Type> parameter_type(std::string_view name, std::string_view parameter) {
    for (const auto type : { Type::text, Type::integer, Type::real, Type::boolean })
        if (name_of(type) == name)
            return type;
    return wrong(fmt::format("parameter {} has the type '{}'", parameter, printable(name)),
                 "text, integer, real or boolean");
}

Result<std::vector<RunbookParameter>> read_params(const Value& params) {
    std::vector<RunbookParameter> list;
    if (params.is_null() || (params.list() && params.list()->empty()))
        return list;
    if (!params.map())
        return wrong("params is no table of names");
    for (const auto& [name, about] : *params.map()) {
        if (!is_plain_name(name))
            return wrong(fmt::format("'{}' is no name of a parameter", printable(name)),
                         "a-z, 0-9 and _");
        if (!about.map() || about.text_at("doc").empty())
            return wrong(fmt::format("parameter {} needs a type and a doc", name),
                         fmt::format("{} = {{ type = \"integer\", doc = \"…\" }}", name));
        RunbookParameter parameter {
            .name = name, .doc = about.text_at("doc"),
            .type = TRY(parameter_type(about.text_at("type"), name))
            , .optional = about.at("optional") == Value(true), .fallback = {}
        };
        if (!about.at("fallback").is_null())
            parameter.fallback = about.at("fallback");
        list.push_back(std::move(parameter));
    }
    return list;
}

Result<std::vector<std::string>> read_uses(const Value& uses) {
    std::vector<std::string> known;
    for (int i = 1; i <= static_cast<int>(Capability::redis_write); ++i)
        known.emplace_back(name_of(static_cast<Capability>(i)));
    std::vector<std::string> list;
    if (uses.is_null())
        return list;
    if (!uses.list())
        return wrong("uses is no list");
    for (const auto& use : *uses.list()) {
        const auto* name = use.text();
        if (!name || std::find(known.begin(), known.end(), *name) == known.end()) {
            const auto near = name ? nearest(*name, known) : "";
            return wrong(fmt::format("uses names {}, which is no capability", to_text(use)),
                         near.empty() ? join(known, ", ") : fmt::format("did you mean {}?", near));
        }
        list.push_back(*name);
    }
    return list;
}

Result<std::vector<std::string>> texts(const Value& list, std::string_view what) {
    std::vector<std::string> all;
    if (list.list())
        for (const auto& item : *list.list()) {
            if (!item.text())
                return wrong(fmt::format("{} holds something that is no text", what));
            all.push_back(*item.text());
        }
    return all;
}

// A target's {names} must be parameters, and nothing in it may look like a path.
Result<void> check_target(const Description& runbook) {
    if (runbook.target.find('/') != std::string::npos)
        return wrong("target has a /", "\"duel:{duel}\"");
    for (auto at = runbook.target.find('{'); at != std::string::npos;
         at = runbook.target.find('{', at + 1)) {
        const auto name = runbook.target.substr(at + 1, runbook.target.find('}', at) - at - 1);
        if (std::none_of(runbook.params.begin(), runbook.params.end(),
                         [&](const auto& parameter) { return parameter.name == name; }))
            return wrong(fmt::format("target names {{{}}}, which is no parameter", printable(name)));
    }
    return {};
}

Result<Description> check_description(const Value& table) {
    if (!table.map())
        return wrong("it is no table");
    TRY(must_know_keys(table));
    Description runbook {
        .version = table.text_at("version"), .summary = table.text_at("summary"),
        .target = table.text_at("target"), .params = TRY(read_params(table.at("params")))
        , .uses = TRY(read_uses(table.at("uses")))
        , .phases = TRY(texts(table.at("phases"), "phases"))
    };
    if (!is_version(runbook.version))
        return wrong(fmt::format("version is {}", to_text(table.at("version"))),
                     "three numbers: version = \"1.0.0\"");
    if (runbook.summary.empty())
        return wrong("it has no summary", "say in one sentence what it does");
    if (!table.at("deadline").is_null())
        runbook.deadline =
            TRY(parse_duration(table.text_at("deadline")).while_doing("read the runbook's deadline"));
    if (!table.at("rto").is_null())
        runbook.rto = TRY(parse_duration(table.text_at("rto")).while_doing("read the runbook's rto"));
    TRY(check_phases(runbook));
    TRY(check_target(runbook));
    return runbook;
}

// ---- workers ----

Value::Map start_message(std::string_view task, const std::string& name, const std::string& main,
                         const journal::Sources& sources, const Primitives& primitives) {
    Value::Map modules;
    for (const auto& [module, text] : sources)
        modules.emplace(module, text);
    return { { "task", task },
             { "name", name },
             { "main", main },
             { "sources", std::move(modules) },
             { "primitives", stubs_of(primitives) } };
}

WorkerLimits limits_for(const Places& places, Duration deadline) {
    WorkerLimits limits;
    limits.deadline = deadline;
    limits.program = places.worker;
    return limits;
}

// Loading takes moments; a runbook that computes while it loads is wrong.
constexpr Duration describing_deadline = std::chrono::seconds(10);

Result<Value> converse(Worker& worker, const Places& places, const io::Path& folder,
                       journal::Sources& sources) {
    for (;;) {
        const auto message = TRY(worker.receive());
        const auto kind = message.text_at("kind");
        if (kind == "described")
            return message.at("table");
        if (kind == "failed")
            return Error{ .kind = Kind::script,
                          .why = printable(message.text_at("why")),
                          .fix = message.text_at("where").empty()
                                     ? ""
                                     : fmt::format("look at {}", printable(message.text_at("where"))) };
        if (kind == "log") {
            TRY(worker.send(Value::Map{}));
            continue;
        }
        if (kind != "need" || sources.size() >= most_modules)
            return Error{
                .kind = Kind::script,
                .why = "a runbook that is loaded may only require modules; calls stand in its phases"
            };
        const auto name = message.text_at("module");
        const auto text = read_module(places, folder, name);
        if (text.ok())
            sources[name] = text.value();
        TRY(worker.send(
            text.ok() ? Value(Value::Map{ { "source", text.value() } })
                      : Value(Value::Map{ { "error", Value::Map{ { "why", text.error().why } } } })));
    }
}

Result<Value> read_one(const RunbookParameter& parameter, const std::string& typed) {
    const auto wrong_value = [&] {
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("parameter {} is '{}'; it should be {} ({})", parameter.name,
                                         printable(typed), name_of(parameter.type), parameter.doc) };
    };
    if (parameter.type == Type::text)
        return Value(typed);
    if (parameter.type == Type::boolean)
        return typed == "true" || typed == "yes"   ? Result<Value>(Value(true))
               : typed == "false" || typed == "no" ? Result<Value>(Value(false))
                                                   : wrong_value();
    std::int64_t whole = 0;
    double real = 0;
    const auto* begin = typed.data();
    const auto* end = typed.data() + typed.size();
    if (parameter.type == Type::integer) {
        const auto [stop, fault] = std::from_chars(begin, end, whole);
        return fault == std::errc() && stop == end ? Result<Value>(Value(whole)) : wrong_value();
    }
    const auto [stop, fault] = std::from_chars(begin, end, real);
    return fault == std::errc() && stop == end ? Result<Value>(Value(real)) : wrong_value();
}

} // namespace

std::vector<std::string> list_runbooks(const Places& places) {
    std::vector<std::string> names;
    for (const auto& folder : places.runbooks) {
        std::error_code fault;
        for (std::filesystem::recursive_directory_iterator item(folder, fault), end;
             !fault && item != end; item.increment(fault)) {
            const auto name =
                item->path().lexically_relative(folder).replace_extension().generic_string();
            if (item->is_regular_file() && item->path().extension() == ".lua" &&
                !name.ends_with("_test") && is_runbook_name(name))
                names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

Result<std::string> read_module(const Places& places, const io::Path& folder, std::string_view module) {
    const auto parts = split(module, '.');
    if (!std::all_of(parts.begin(), parts.end(), is_plain_name))
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("'{}' is no name of a module", printable(module)) };
    if (parts.size() == 1)
        return read_source(folder / (std::string(module) + ".lua"));
    if (parts.size() == 2 && parts[0] == "stdlib")
        for (const auto& place : places.stdlib)
            if (const auto file = place / (std::string(parts[1]) + ".lua");
                std::filesystem::is_regular_file(file))
                return read_source(file);
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("there is no module '{}': stdlib.NAME, or NAME beside the runbook",
                                     printable(module)) };
}

Value stubs_of(const Primitives& primitives) {
    const auto lua_type = [](Type type) -> std::string_view {
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
    };
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

Result<Described> describe(const std::string& runbook, const Places& places,
                           const Primitives& primitives, const Cancellation& cancel) {
    const auto found = TRY(find_runbook(runbook, places));
    Described described{ .name = found.name,
                         .main = found.file.stem().string(),
                         .sources = {},
                         .raw = {},
                         .description = {} };
    described.sources[described.main] = TRY(read_source(found.file));
    auto worker = TRY(Worker::start(
        start_message("describe", described.name, described.main, described.sources, primitives),
        limits_for(places, describing_deadline), cancel));
    described.raw = TRY(converse(worker, places, found.file.parent_path(), described.sources)
                            .while_doing("load the runbook", described.name));
    described.description =
        TRY(check_description(described.raw).while_doing("load the runbook", described.name));
    return described;
}

Result<Described> described_from(const std::string& name, const Value& raw,
                                 const journal::Sources& sources) {
    const auto slash = name.rfind('/');
    return Described {
        .name = name, .main = name.substr(slash == std::string::npos ? 0 : slash + 1),
        .sources = sources, .raw = raw, .description = TRY(check_description(raw))
    };
}

Result<Value> read_parameters(const Description& runbook,
                              const std::map<std::string, std::string>& typed) {
    std::vector<std::string> names;
    for (const auto& parameter : runbook.params)
        names.push_back(parameter.name);
    for (const auto& [name, text] : typed)
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            const auto near = nearest(name, names);
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("the runbook has no parameter '{}'", printable(name)),
                          .fix = near.empty() ? fmt::format("it has: {}",
                                                            names.empty() ? "none" : join(names, ", "))
                                              : fmt::format("did you mean {}=?", near) };
        }
    Value::Map values;
    for (const auto& parameter : runbook.params) {
        if (const auto found = typed.find(parameter.name); found != typed.end())
            values.emplace(parameter.name, TRY(read_one(parameter, found->second)));
        else if (parameter.fallback)
            values.emplace(parameter.name, *parameter.fallback);
        else if (!parameter.optional)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("the runbook needs {}= ({}: {})", parameter.name,
                                             name_of(parameter.type), parameter.doc) };
    }
    return Value(std::move(values));
}

Result<Worker> start_worker(const Places& places, const Primitives& primitives,
                            const Described& runbook, const Value& parameters,
                            const Cancellation& cancel) {
    auto message = start_message("run", runbook.name, runbook.main, runbook.sources, primitives);
    message.emplace("parameters", parameters);
    message.emplace("description", runbook.raw);
    return Worker::start(std::move(message), limits_for(places, runbook.description.deadline), cancel);
}

} // namespace respawn::run
