#include "run/workers.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::testing {

namespace {

Value parameter(const char* name, const char* type, bool required) {
    return Value::Map{ { "name", name }, { "type", type }, { "required", required } };
}

Value primitive(const char* name, Value::List parameters, bool positional = false) {
    return Value::Map{ { "name", name }, { "parameters", parameters }, { "positional", positional } };
}

// Answers until the worker says its last.
Said converse(run::Worker& worker, const Answer& answer, const Stage& stage) {
    Said said;
    for (;;) {
        const auto message = worker.receive();
        if (!message.ok()) {
            said.fault = message.error();
            return said;
        }
        const auto kind = message.value().text_at("kind");
        Value reply = Value::Map{};
        if (kind == "phase") {
            said.phases.push_back(message.value().text_at("name"));
        } else if (kind == "log") {
            said.log.push_back(message.value().text_at("text"));
        } else if (kind == "call") {
            said.calls.push_back(message.value());
            reply = answer(message.value());
        } else if (kind == "need") {
            const auto found = stage.modules.find(message.value().text_at("module"));
            reply = found == stage.modules.end()
                        ? Value::Map{ { "error", Value::Map{ { "why", "there is no such file" } } } }
                        : Value::Map{ { "source", found->second } };
        } else {
            said.last = message.value();
            return said;
        }
        const auto sent = worker.send(reply);
        if (!sent.ok()) {
            said.fault = sent.error();
            return said;
        }
    }
}

} // namespace

Value known_primitives() {
    return Value::List{
        primitive("sql", { parameter("text", "text", true), parameter("values", "list", false) }),
        primitive("write", { parameter("changes", "list", true), parameter("why", "text", true) }),
        primitive("backup",
                  { parameter("component", "text", true), parameter("tables", "list", false) }),
        primitive("require", { parameter("holds", "boolean", true), parameter("text", "text", true) },
                  true),
        primitive("wait", { parameter("seconds", "integer", true) }, true),
        primitive("give", { parameter("value", "any", false) })
    };
}

io::Path built(std::string_view program) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / program;
}

Value nothing(const Value&) { return Value::Map{ { "value", nullptr } }; }

Said perform(std::string_view task, std::string_view script, Value::Map more, const Answer& answer,
             const Stage& stage) {
    Value::Map sources{ { "sample", script } };
    if (task == "run")
        for (const auto& [name, source] : stage.modules)
            sources.emplace(name, source);
    more.merge(Value::Map{ { "task", task },
                           { "name", "wox/sample" },
                           { "main", "sample" },
                           { "sources", sources },
                           { "primitives", known_primitives() },
                           { "log_lines", stage.log_lines },
                           { "seed", stage.seed } });
    const Cancellation never;
    auto limits = stage.limits;
    if (limits.program.empty())
        limits.program = built("respawn-worker");
    auto worker = run::Worker::start(std::move(more), limits, never);
    if (!worker.ok())
        return { .fault = worker.error() };
    return converse(worker.value(), answer, stage);
}

Said run_script(std::string_view script, Value::Map parameters, const Answer& answer,
                const Stage& stage) {
    const auto described = perform("describe", script, {}, answer, stage);
    if (described.last.text_at("kind") != "described")
        return described;
    return perform("run", script,
                   { { "parameters", parameters }, { "description", described.last.at("table") } },
                   answer, stage);
}

std::string outcome(std::string_view lines, const Answer& answer, const Stage& stage) {
    const auto script = fmt::format("local respawn = require 'respawn'; local runbook = {{}}; function "
                                    "runbook.diagnose(case)\n{}\nend return runbook",
                                    lines);
    const auto said = run_script(script, {}, answer, stage);
    if (said.last.is_null())
        return said.fault.why;
    if (said.last.text_at("kind") == "failed")
        return said.last.text_at("where") + ": " + said.last.text_at("why");
    if (said.last.text_at("kind") == "computed")
        return "computed " + said.last.text_at("symbol");
    return join(said.log, "|");
}

} // namespace respawn::testing
