// The arguments of primitives, by their definitions.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

const std::set<std::string_view> respawn_fields = { "log", "null", "blob", "at_write_time" };

void unknown_primitive(const Subject& subject, Findings& findings) {
    std::vector<std::string> known(respawn_fields.begin(), respawn_fields.end());
    for (const auto* primitive : subject.primitives())
        known.emplace_back(primitive->name);
    for (const auto& mention : subject.mentions()) {
        if (mention.primitive || respawn_fields.contains(mention.name) || subject.is_kit())
            continue;
        const auto near = nearest(mention.name, known);
        findings.add(mention.line, fmt::format("respawn has no '{}'", mention.name),
                     near.empty() ? "" : fmt::format("did you mean respawn.{}?", near));
    }
}

// What an expression surely is: text, integer, real, boolean, table, function; or empty.
std::string_view sure_type(const Script& script, const Node& node) {
    const auto& told = script.meant(node);
    switch (told.form) {
    case Form::text:
        return "text";
    case Form::number:
        return told.text.find_first_of(".eE") == std::string::npos || told.text.starts_with("0x")
                   ? "integer"
                   : "real";
    case Form::truth:
        return "boolean";
    case Form::table:
        return "table";
    case Form::function:
        return "function";
    case Form::method:
        return told.text == "format" ? "text" : "";
    case Form::unary:
        return told.text == "not" ? "boolean" : "";
    case Form::binary:
        if (told.text == "..")
            return "text";
        return told.text == "==" || told.text == "~=" || told.text == "<" || told.text == ">" ||
                       told.text == "<=" || told.text == ">="
                   ? "boolean"
                   : "";
    default:
        return "";
    }
}

bool fits(std::string_view found, run::Type wanted) {
    switch (wanted) {
    case run::Type::any:
    case run::Type::snapshot:
        return found != "function";
    case run::Type::integer:
        return found == "integer";
    case run::Type::real:
        return found == "integer" || found == "real";
    case run::Type::boolean:
        return found == "boolean";
    case run::Type::list:
    case run::Type::map:
        return found == "table";
    case run::Type::stream:
        return false;
    default:
        return found == "text";
    }
}

void judge_value(const Mention& mention, const run::Parameter& parameter, const Node& value,
                 Findings& findings) {
    const auto found = sure_type(*mention.script, value);
    if (!found.empty() && !fits(found, parameter.type))
        findings.add(value.line,
                     fmt::format("respawn.{}: {} is a {}, and this is a {}", mention.name,
                                 parameter.name, run::name_of(parameter.type), found),
                     fmt::format("give a {}: {}", run::name_of(parameter.type), parameter.doc));
}

bool is_needed(const run::Parameter& parameter) { return !parameter.fallback && !parameter.optional; }

// The table of a call with names, when it is written there.
const Node* named_arguments(const Mention& mention) {
    const bool known = mention.primitive && mention.call && !mention.primitive->positional;
    if (!known || mention.arguments.size() != 1)
        return nullptr;
    const auto& table = mention.script->meant(*mention.arguments[0]);
    return table.form == Form::table ? &table : nullptr;
}

bool is_by_position(const Mention& mention) {
    return mention.primitive && mention.call && mention.primitive->positional;
}

bool may_be_several(const Node& node) {
    return !node.enclosed &&
           (node.form == Form::call || node.form == Form::method || node.form == Form::varargs);
}

void unknown_argument(const Subject& subject, Findings& findings) {
    for (const auto& mention : subject.mentions()) {
        const auto* table = named_arguments(mention);
        std::vector<std::string> known;
        for (std::size_t i = 0; table && i < mention.primitive->params.size(); ++i)
            known.emplace_back(mention.primitive->params[i].name);
        for (std::size_t i = 0; table && i < table->parts.size(); ++i) {
            const auto& item = table->parts[i];
            if (item.form != Form::named ||
                std::find(known.begin(), known.end(), item.text) != known.end())
                continue;
            const auto near = nearest(item.text, known);
            findings.add(item.line,
                         fmt::format("respawn.{} has no argument '{}'", mention.name, item.text),
                         !near.empty()   ? fmt::format("did you mean {}?", near)
                         : known.empty() ? "take it out"
                                         : fmt::format("it takes {}", join(known, ", ")));
        }
    }
}

// The names that a table gives; nothing when some are computed.
std::optional<std::set<std::string, std::less<>>> names_in(const Node& table) {
    std::set<std::string, std::less<>> names;
    for (const auto& item : table.parts) {
        if (item.form != Form::named)
            return std::nullopt;
        names.insert(item.text);
    }
    return names;
}

void missing_argument(const Subject& subject, Findings& findings) {
    const auto missing = [&](const Mention& mention, const run::Parameter& parameter) {
        findings.add(mention.line, fmt::format("respawn.{} needs {}", mention.name, parameter.name),
                     fmt::format("give {}: {}", parameter.name, parameter.doc));
    };
    for (const auto& mention : subject.mentions()) {
        const auto* table = named_arguments(mention);
        const bool bare = mention.primitive && mention.call && mention.arguments.empty();
        const auto names = table ? names_in(*table) : std::nullopt;
        const bool open = !mention.arguments.empty() && may_be_several(*mention.arguments.back());
        for (std::size_t i = 0; mention.primitive && i < mention.primitive->params.size(); ++i) {
            const auto& parameter = mention.primitive->params[i];
            const bool left_out = is_by_position(mention)
                                      ? i >= mention.arguments.size() && !open
                                      : bare || (names && !names->contains(parameter.name));
            if (is_needed(parameter) && left_out)
                missing(mention, parameter);
        }
    }
}

void wrong_argument_type(const Subject& subject, Findings& findings) {
    for (const auto& mention : subject.mentions()) {
        const auto* table = named_arguments(mention);
        for (std::size_t i = 0; mention.primitive && i < mention.primitive->params.size(); ++i) {
            const auto& parameter = mention.primitive->params[i];
            if (is_by_position(mention) && i < mention.arguments.size() &&
                mention.arguments[i]->form != Form::table)
                judge_value(mention, parameter, *mention.arguments[i], findings);
            for (std::size_t at = 0; table && at < table->parts.size(); ++at)
                if (table->parts[at].form == Form::named && table->parts[at].text == parameter.name)
                    judge_value(mention, parameter, table->parts[at].parts[0], findings);
        }
    }
}

std::string form_of_call(const run::Primitive& primitive) {
    std::vector<std::string> names;
    for (const auto& parameter : primitive.params)
        names.push_back(primitive.positional ? std::string(parameter.name)
                                             : fmt::format("{} = …", parameter.name));
    return primitive.positional ? fmt::format("respawn.{}({})", primitive.name, join(names, ", "))
                                : fmt::format("respawn.{} {{ {} }}", primitive.name, join(names, ", "));
}

bool takes_table(const run::Primitive& primitive) {
    return std::any_of(
        primitive.params.begin(), primitive.params.end(), [](const run::Parameter& parameter) {
            return parameter.type == run::Type::list || parameter.type == run::Type::map ||
                   parameter.type == run::Type::any || parameter.type == run::Type::snapshot;
        });
}

void wrong_call_form(const Subject& subject, Findings& findings) {
    for (const auto& mention : subject.mentions()) {
        if (!mention.primitive || !mention.call)
            continue;
        const auto& primitive = *mention.primitive;
        const auto& given = mention.arguments;
        const auto* table = named_arguments(mention);
        const bool listed =
            table && std::any_of(table->parts.begin(), table->parts.end(),
                                 [](const Node& item) { return item.form == Form::item; });
        const bool by_names =
            !primitive.positional &&
            (given.size() > 1 || listed ||
             (given.size() == 1 && !sure_type(*mention.script, *given[0]).empty() && !table));
        const bool by_table = primitive.positional && !takes_table(primitive) && !given.empty() &&
                              given[0]->form == Form::table;
        const bool formats = !primitive.params.empty() && primitive.params.back().name == "text";
        const bool too_many =
            primitive.positional && !formats && given.size() > primitive.params.size();
        if (by_names || by_table || too_many)
            findings.add(mention.line,
                         by_names ? fmt::format("respawn.{} takes its arguments by name, in one table",
                                                primitive.name)
                         : by_table
                             ? fmt::format("respawn.{} takes its arguments by position", primitive.name)
                             : fmt::format("respawn.{} takes {}", primitive.name,
                                           counted(primitive.params.size(), "argument")),
                         "write " + form_of_call(primitive));
    }
}

void ignored_answer(const Subject& subject, Findings& findings) {
    std::set<const Node*> statements;
    each(subject.script().root(), [&](const Node& node) {
        if (node.form == Form::statement)
            statements.insert(&node.parts[0]);
        return true;
    });
    for (const auto& mention : subject.mentions())
        if (mention.primitive && mention.primitive->effect == run::Effect::reads &&
            mention.primitive->capability != run::Capability::none && statements.contains(mention.call))
            findings.add(
                mention.line,
                fmt::format("respawn.{} only reads, and nothing takes what it found", mention.name));
}

} // namespace

const Rules& call_rules() {
    static const Rules rules = {
        { .name = "unknown-primitive",
          .files = scripts,
          .wrong = "respawn has nothing of this name.",
          .cure = "docs/reference/primitives.md lists what there is",
          .look = unknown_primitive },
        { .name = "unknown-argument",
          .files = scripts,
          .wrong = "A primitive is given an argument that it does not have.",
          .cure = "write the argument's name as in docs/reference/primitives.md",
          .look = unknown_argument },
        { .name = "missing-argument",
          .files = scripts,
          .wrong = "A primitive is not given an argument that it needs.",
          .cure = "give it",
          .look = missing_argument },
        { .name = "wrong-argument-type",
          .files = scripts,
          .wrong = "An argument is of another type than the primitive takes.",
          .cure = "give what docs/reference/primitives.md says",
          .look = wrong_argument_type },
        { .name = "wrong-call-form",
          .files = scripts,
          .wrong =
              "Arguments by position where names are wanted, a table where positions are, or too many.",
          .cure = "call it as docs/reference/primitives.md shows",
          .look = wrong_call_form },
        { .name = "ignored-answer",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "What a reading primitive gives is not used.",
          .cure = "keep it in a local or in case, or take the call out",
          .look = ignored_answer },
    };
    return rules;
}

} // namespace respawn::lint
