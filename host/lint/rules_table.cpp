// The runbook's table. What a field may hold is asked of the host itself (run::read_description), one
// field at a time, so that these rules refuse what a run would refuse, and all of it at once.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

std::optional<Value> number_value(std::string_view text) {
    std::int64_t whole = 0;
    const auto end = text.data() + text.size();
    if (const auto read = std::from_chars(text.data(), end, whole);
        read.ec == std::errc() && read.ptr == end)
        return Value(whole);
    double real = 0;
    if (const auto read = std::from_chars(text.data(), end, real);
        read.ec == std::errc() && read.ptr == end)
        return Value(real);
    return std::nullopt;
}

std::optional<Value> value_within(const Script& script, const Node& node, int& steps);

// A list, or a map when there is a named field.
std::optional<Value> table_value(const Script& script, const Node& table, int& steps) {
    Value::List items;
    Value::Map members;
    for (const auto& part : table.parts) {
        auto value = value_within(script, part.parts.back(), steps);
        if (!value || part.form == Form::keyed)
            return std::nullopt;
        if (part.form == Form::named)
            members.insert_or_assign(part.text, std::move(*value));
        else
            items.push_back(std::move(*value));
    }
    return members.empty() && !items.empty() ? Value(std::move(items)) : Value(std::move(members));
}

std::optional<Value> value_within(const Script& script, const Node& node, int& steps) {
    if (--steps < 0)
        return std::nullopt;
    const auto& told = script.meant(node);
    if (auto text = script.text_of(told))
        return Value(std::move(*text));
    if (told.form == Form::number)
        return number_value(told.text);
    if (told.form == Form::truth)
        return Value(told.text == "true");
    if (told.form == Form::unary && told.text == "-" && told.parts[0].form == Form::number)
        return number_value("-" + told.parts[0].text);
    return told.form == Form::table ? table_value(script, told, steps) : std::nullopt;
}

// What an expression is, where that is known beforehand.
std::optional<Value> literal_value(const Script& script, const Node& node) {
    int steps = 1000; // tables that hold each other by name would take forever
    return value_within(script, node, steps);
}

// Why the host would refuse a table; empty when it would not.
std::string refusal(const Subject& subject, Value::Map table) {
    const run::Source source{ .name = subject.script().name(), .main = {}, .modules = {} };
    const auto read = run::read_description(table, source);
    if (read.ok())
        return "";
    const auto& why = read.error().why;
    const auto prefix = source.name + ".lua: ";
    return why.starts_with(prefix) ? why.substr(prefix.size()) : why;
}

Value::Map least_table() {
    return { { "version", "1.0.0" },
             { "summary", "Does something." },
             { "phases", Value::List{ "diagnose", "verify" } } };
}

void judge_field(const Subject& subject, const std::string& field, Findings& findings) {
    const auto found = subject.script().fields().find(field);
    if (found == subject.script().fields().end())
        return;
    auto value = literal_value(subject.script(), *found->second);
    if (!value)
        return;
    auto table = least_table();
    table.insert_or_assign(field, std::move(*value));
    if (const auto why = refusal(subject, std::move(table)); !why.empty())
        findings.add(found->second->line, why);
}

void bad_version(const Subject& subject, Findings& findings) {
    judge_field(subject, "version", findings);
}
void bad_summary(const Subject& subject, Findings& findings) {
    judge_field(subject, "summary", findings);
}
void bad_capability(const Subject& subject, Findings& findings) {
    judge_field(subject, "uses", findings);
}

void bad_duration(const Subject& subject, Findings& findings) {
    judge_field(subject, "deadline", findings);
    judge_field(subject, "rto", findings);
}

const std::set<std::string_view> fields_with_rules = { "version", "summary", "uses",  "deadline",
                                                       "rto",     "params",  "target" };

void bad_field(const Subject& subject, Findings& findings) {
    for (const auto& [field, value] : subject.script().fields())
        if (!fields_with_rules.contains(field))
            judge_field(subject, field, findings);
}

void missing_field(const Subject& subject, Findings& findings) {
    for (const auto* field : { "version", "summary" })
        if (!subject.script().fields().contains(field))
            findings.add(1, fmt::format("the runbook has no {}", field));
    for (const auto* phase : { "diagnose", "verify" })
        if (!subject.script().functions().contains(phase))
            findings.add(1, fmt::format("the runbook has no function {}", phase),
                         fmt::format("write function runbook.{}(case) … end", phase));
}

bool is_phase(std::string_view name) {
    return std::find(std::begin(phase_names), std::end(phase_names), name) != std::end(phase_names);
}

void unknown_phase(const Subject& subject, Findings& findings) {
    const std::vector<std::string> phases(std::begin(phase_names), std::end(phase_names));
    for (const auto& [name, function] : subject.script().functions()) {
        const auto near = nearest(name, phases);
        if (!is_phase(name))
            findings.add(function->line, fmt::format("{} is no phase of a runbook", name),
                         near.empty() ? "" : fmt::format("did you mean {}?", near));
    }
}

// The parameters as they are written: name and table.
std::vector<const Node*> written_params(const Subject& subject) {
    std::vector<const Node*> found;
    const auto field = subject.script().fields().find("params");
    if (field != subject.script().fields().end())
        for (const auto& part : subject.script().items_of(*field->second))
            if (part.form == Form::named)
                found.push_back(&part);
    return found;
}

void bad_parameter(const Subject& subject, Findings& findings) {
    for (const auto* param : written_params(subject))
        if (auto value = literal_value(subject.script(), param->parts[0])) {
            auto table = least_table();
            if (auto* members = value->map())
                members->emplace("doc", "has a rule of its own");
            table.emplace("params", Value::Map{ { param->text, std::move(*value) } });
            if (const auto why = refusal(subject, std::move(table)); !why.empty())
                findings.add(param->line, why);
        }
}

const Node* field_of_param(const Subject& subject, const Node& param, std::string_view field) {
    for (const auto& part : subject.script().items_of(param.parts[0]))
        if (part.form == Form::named && part.text == field)
            return &part;
    return nullptr;
}

void parameter_doc(const Subject& subject, Findings& findings) {
    for (const auto* param : written_params(subject))
        if (!field_of_param(subject, *param, "doc"))
            findings.add(param->line,
                         fmt::format("the parameter {} does not say what it is", param->text));
}

void bad_target(const Subject& subject, Findings& findings) {
    const auto found = subject.script().fields().find("target");
    if (found == subject.script().fields().end())
        return;
    const auto params = subject.script().fields().find("params");
    const bool has_params = params != subject.script().fields().end();
    auto target = literal_value(subject.script(), *found->second);
    auto known = has_params ? literal_value(subject.script(), *params->second)
                            : std::optional<Value>(Value::Map{});
    if (!target || !known || !known->map())
        return;
    auto table = least_table();
    for (auto& [name, told] : *known->map())
        if (auto* param = told.map())
            param->insert_or_assign("type", "text"); // wrong types have a rule of their own
    table.emplace("params", std::move(*known));
    table.emplace("target", std::move(*target));
    if (const auto why = refusal(subject, std::move(table)); why.find("target") != std::string::npos)
        findings.add(found->second->line, why);
}

// A runbook that is told one thing to work on should hold up that thing alone.
void no_target(const Subject& subject, Findings& findings) {
    std::vector<const Node*> needed;
    for (const auto* param : written_params(subject))
        if (!field_of_param(subject, *param, "fallback") &&
            !field_of_param(subject, *param, "optional"))
            needed.push_back(param);
    const auto* type = needed.size() == 1 ? field_of_param(subject, *needed[0], "type") : nullptr;
    const bool one_thing = type && subject.script().text_of(type->parts[0]) == "integer";
    if (one_thing && subject.has_effects() && !subject.script().fields().contains("target"))
        findings.add(
            needed[0]->line, "without a target this run holds up every other one",
            fmt::format("write target = \"{0}:{{{0}}}\" into the runbook's table", needed[0]->text));
}

void no_rto(const Subject& subject, Findings& findings) {
    if (subject.has_effects() && subject.script().returned() &&
        !subject.script().fields().contains("rto"))
        findings.add(subject.script().returned()->line,
                     "the runbook does not say how soon the game should be well again");
}

void summary_form(const Subject& subject, Findings& findings) {
    constexpr std::size_t longest = 120;
    const auto found = subject.script().fields().find("summary");
    if (found == subject.script().fields().end())
        return;
    const auto text = subject.script().text_of(*found->second);
    if (!text || text->empty())
        return;
    if (text->size() > longest || text->find('\n') != std::string::npos)
        findings.add(found->second->line,
                     fmt::format("the summary is longer than one line of {} characters", longest));
    else if (!text->ends_with('.'))
        findings.add(found->second->line, "the summary does not end like a sentence");
}

void duplicate_capability(const Subject& subject, Findings& findings) {
    const auto found = subject.script().fields().find("uses");
    std::set<std::string> seen;
    if (found != subject.script().fields().end())
        for (const auto& part : subject.script().items_of(*found->second))
            if (const auto text = subject.script().text_of(part.parts.back());
                text && !seen.insert(*text).second)
                findings.add(part.line, fmt::format("uses names \"{}\" twice", printable(*text)));
}

void phase_order(const Subject& subject, Findings& findings) {
    std::size_t last = 0;
    for (const auto& name : subject.script().written_functions()) {
        const auto at = static_cast<std::size_t>(
            std::find(std::begin(phase_names), std::end(phase_names), name) - std::begin(phase_names));
        if (at < std::size(phase_names) && at < last)
            findings.add(
                subject.script().functions().at(name)->line,
                fmt::format("{} is written behind {}, and runs before it", name, phase_names[last]));
        last = at < std::size(phase_names) ? std::max(last, at) : last;
    }
}

void phase_parameters(const Subject& subject, Findings& findings) {
    for (const auto& [name, function] : subject.script().functions())
        if (is_phase(name) && parameters_of(*function).size() > 1)
            findings.add(function->line, fmt::format("{} is given case, and nothing else", name));
}

} // namespace

const Rules& table_rules() {
    static const Rules rules = {
        { .name = "missing-field",
          .files = runbooks,
          .wrong = "A runbook has no version, summary, diagnose or verify.",
          .cure = "write it into the runbook's table",
          .look = missing_field },
        { .name = "bad-version",
          .files = runbooks,
          .wrong = "The version is no semantic version.",
          .cure = "write version = \"1.0.0\"",
          .look = bad_version },
        { .name = "bad-summary",
          .files = runbooks,
          .wrong = "The summary is no text.",
          .cure = "write one sentence that says what the runbook does",
          .look = bad_summary },
        { .name = "summary-form",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "The summary is no short sentence: over 120 characters, or without a full stop.",
          .cure = "write one sentence that says what the runbook does",
          .look = summary_form },
        { .name = "bad-capability",
          .files = runbooks,
          .wrong = "`uses` names what is no capability.",
          .cure = "write one that docs/runbooks.md lists",
          .look = bad_capability },
        { .name = "duplicate-capability",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "`uses` names a capability twice.",
          .cure = "take one of them out",
          .look = duplicate_capability },
        { .name = "bad-duration",
          .files = runbooks,
          .wrong = "deadline or rto is no duration.",
          .cure = "write 90s, 10m or 2h",
          .look = bad_duration },
        { .name = "no-rto",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong =
              "A runbook that changes something does not say how soon the game should be well again.",
          .cure = "write rto = \"10m\" into the runbook's table",
          .look = no_rto },
        { .name = "bad-parameter",
          .files = runbooks,
          .wrong = "A parameter of an unknown type, with a fallback of another, or with a field that "
                   "nobody knows.",
          .cure = "write { type = \"integer\", doc = \"…\", fallback = 1 }",
          .look = bad_parameter },
        { .name = "parameter-doc",
          .files = runbooks,
          .wrong = "A parameter without doc.",
          .cure = "write doc = \"what it is\"",
          .look = parameter_doc },
        { .name = "bad-target",
          .files = runbooks,
          .wrong = "The target names what is no parameter, or one that may be left out.",
          .cure = "name a parameter that must be given: target = \"duel:{duel}\"",
          .look = bad_target },
        { .name = "no-target",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "A runbook for one thing, named by a number, has no target and holds up all others.",
          .cure = "write target = \"NAME:{NAME}\"",
          .look = no_target },
        { .name = "bad-field",
          .files = runbooks,
          .wrong = "A field that a runbook does not have, or of the wrong type.",
          .cure = "docs/runbooks.md lists the fields",
          .look = bad_field },
        { .name = "unknown-phase",
          .files = runbooks,
          .wrong = "A function of the runbook that is no phase.",
          .cure = "make it a local function",
          .look = unknown_phase },
        { .name = "phase-order",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "The phases are written in another order than they run.",
          .cure = "write diagnose, backup, repair, verify, notify",
          .look = phase_order },
        { .name = "phase-parameters",
          .files = runbooks,
          .wrong = "A phase has more parameters than case.",
          .cure = "keep what it needs in case",
          .look = phase_parameters },
    };
    return rules;
}

} // namespace respawn::lint
