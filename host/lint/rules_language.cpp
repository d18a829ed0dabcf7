// Faults of Lua itself, in any file.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

using Texts = std::map<std::string_view, std::string_view>;

// What Lua elsewhere has, and what to use here.
const Texts forbidden = {
    { "os", "use respawn.now() for the time; whatever else reaches outside is a primitive" },
    { "io", "whatever reaches outside is a primitive: docs/reference/primitives.md" },
    { "debug", "take it out; respawn.log(\"…\") writes into the run's record" },
    { "coroutine", "call the function instead" },
    { "package", "require \"NAME\" finds modules of stdlib and of the runbook's folder" },
    { "load", "write what is to be run into this file or a module" },
    { "loadstring", "write what is to be run into this file or a module" },
    { "loadfile", "use require \"NAME\"" },
    { "dofile", "use require \"NAME\"" },
    { "collectgarbage", "take it out; memory is looked after" },
    { "unpack", "write table.unpack" },
    { "setfenv", "take it out" },
    { "getfenv", "take it out" },
};

void forbidden_library(const Subject& subject, Findings& findings) {
    for (const auto& global : subject.script().globals())
        if (const auto found = forbidden.find(global.node->text); found != forbidden.end())
            findings.add(global.node->line, fmt::format("there is no {} here", global.node->text),
                         std::string(found->second));
}

const std::map<std::string_view, std::vector<std::string>> library_functions = {
    { "string",
      { "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize",
        "rep", "reverse", "sub", "unpack", "upper" } },
    { "table", { "concat", "insert", "move", "pack", "remove", "sort", "unpack" } },
    { "math",
      { "abs",  "acos",   "asin", "atan", "ceil",       "cos",       "deg",        "exp",  "floor",
        "fmod", "huge",   "log",  "max",  "maxinteger", "min",       "mininteger", "modf", "pi",
        "rad",  "random", "sin",  "sqrt", "tan",        "tointeger", "type",       "ult" } },
    { "utf8", { "char", "charpattern", "codepoint", "codes", "len", "offset" } },
};

void unknown_library_function(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        if (key_of(node).empty() || node.parts[0].form != Form::name ||
            !subject.script().is_global(node.parts[0], node.parts[0].text))
            return true;
        const auto library = library_functions.find(node.parts[0].text);
        if (library == library_functions.end())
            return true;
        const std::string name(key_of(node));
        const auto& known = library->second;
        if (std::find(known.begin(), known.end(), name) != known.end())
            return true;
        const auto near = nearest(name, known);
        findings.add(node.line, fmt::format("{} has no '{}' here", library->first, printable(name)),
                     near.empty() ? fmt::format("it has {}", join(known, ", "))
                                  : fmt::format("did you mean {}.{}?", library->first, near));
        return true;
    });
}

// A call that never comes back.
bool never_returns(const Subject& subject, const Node& statement) {
    if (statement.form == Form::stop || statement.form == Form::jump)
        return true;
    if (statement.form == Form::block)
        return !statement.parts.empty() && statement.parts.back().form == Form::leave;
    if (statement.form != Form::statement || statement.parts[0].form != Form::call)
        return false;
    const auto& function = statement.parts[0].parts[0];
    const bool ends_run = key_of(function) == "fail" || key_of(function) == "wait_for_person";
    return subject.script().is_global(function, "error") ||
           (ends_run && subject.is_respawn(subject.script(), function.parts[0]));
}

void unreachable_code(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        for (std::size_t i = 0; node.form == Form::block && i + 1 < node.parts.size(); ++i)
            if (never_returns(subject, node.parts[i]) && node.parts[i + 1].form != Form::label) {
                findings.add(node.parts[i + 1].line,
                             fmt::format("nothing comes here after line {}", node.parts[i].line));
                break;
            }
        return true;
    });
}

// Whether a body can be left: by break, return, goto or a call that never comes back.
bool can_be_left(const Subject& subject, const Node& body) {
    bool leaves = false;
    each(body, [&](const Node& node) {
        leaves = leaves || node.form == Form::leave || never_returns(subject, node);
        return node.form != Form::function;
    });
    return leaves;
}

bool never_ends(const Node& loop) {
    const auto& condition = loop.parts[0];
    const bool truth = condition.form == Form::truth;
    return loop.text == "while" ? truth && condition.text == "true"
                                : (truth && condition.text == "false") || condition.form == Form::nil;
}

void endless_loop(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        if (node.form == Form::repetition && never_ends(node) && !can_be_left(subject, node.parts[1]))
            findings.add(node.line, "this loop has no end");
        return true;
    });
}

// A key as one text, for those that are known beforehand.
std::string known_key(const Node& item) {
    if (item.form == Form::named)
        return "text " + item.text;
    const bool constant = item.form == Form::keyed &&
                          (item.parts[0].form == Form::text || item.parts[0].form == Form::number);
    return constant ? (item.parts[0].form == Form::text ? "text " : "number ") + item.parts[0].text
                    : "";
}

void duplicate_key(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        std::set<std::string> keys;
        if (node.form == Form::table)
            for (const auto& item : node.parts)
                if (const auto key = known_key(item); !key.empty() && !keys.insert(key).second)
                    findings.add(item.line, fmt::format("the key {} stands here a second time",
                                                        printable(key.substr(key.find(' ') + 1))));
        return true;
    });
}

void duplicate_name(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        std::set<std::string> names;
        const bool declares =
            node.form == Form::function || node.form == Form::local || node.form == Form::loop;
        if (declares)
            for (const auto& name : node.parts[0].parts)
                if (name.form == Form::name && name.text != "_" && !names.insert(name.text).second)
                    findings.add(name.line, fmt::format("two of these are called {}", name.text));
        return true;
    });
}

bool has_call(const Node& node) {
    bool found = false;
    each(node, [&](const Node& part) {
        found =
            found || part.form == Form::call || part.form == Form::method || part.form == Form::varargs;
        return !found;
    });
    return found;
}

void self_assignment(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        const bool one = node.form == Form::assign && node.parts[0].parts.size() == 1 &&
                         node.parts[1].parts.size() == 1;
        if (one && same(node.parts[0].parts[0], node.parts[1].parts[0]) && !has_call(node))
            findings.add(node.line, "this assigns a value to itself");
        return true;
    });
}

bool compares(std::string_view operation) {
    return operation == "==" || operation == "~=" || operation == "<" || operation == ">" ||
           operation == "<=" || operation == ">=";
}

void same_on_both_sides(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        const bool doubtful = node.form == Form::binary && (compares(node.text) || node.text == "and" ||
                                                            node.text == "or" || node.text == "-");
        if (doubtful && same(node.parts[0], node.parts[1]) && !has_call(node) &&
            node.parts[0].form != Form::number)
            findings.add(node.line, fmt::format("both sides of '{}' are the same", node.text));
        return true;
    });
}

void empty_branch(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        if (node.form == Form::condition && node.parts.size() == 2 && node.parts[1].parts.empty())
            findings.add(node.line, "this 'if' does nothing");
        return true;
    });
}

void not_before_comparison(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        const bool doubtful = node.form == Form::binary && compares(node.text) &&
                              node.parts[0].form == Form::unary && node.parts[0].text == "not" &&
                              !node.parts[0].enclosed && node.parts[1].form != Form::truth;
        if (doubtful)
            findings.add(node.line, fmt::format("'not a {0} b' compares (not a) with b", node.text),
                         node.text == "=="   ? "write a ~= b"
                         : node.text == "~=" ? "write a == b"
                                             : "write not (a … b)");
        return true;
    });
}

void refused_metamethod(const Subject& subject, Findings& findings) {
    static const std::set<std::string_view> refused = { "__gc", "__close", "__mode", "__metatable" };
    each(subject.script().root(), [&](const Node& node) {
        const bool key = node.form == Form::named && refused.contains(node.text);
        const bool field = refused.contains(key_of(node)) && !key_of(node).empty();
        if (key || field)
            findings.add(node.line,
                         fmt::format("{} is refused", key ? node.text : std::string(key_of(node))));
        if (node.form == Form::local && node.text.starts_with("close"))
            findings.add(node.line, "<close> is refused");
        return true;
    });
}

// What is wrong with the conversions of a format: how many there are, or which nobody knows.
struct Conversions {
    std::size_t count = 0;
    std::string unknown;
};

Conversions conversions_of(std::string_view format) {
    Conversions found;
    for (std::size_t at = format.find('%'); at < format.size(); at = format.find('%', at + 1)) {
        const auto last = format.find_first_not_of("-+ #0123456789.", at + 1);
        const char letter = last < format.size() ? format[last] : '%';
        if (last != at + 1 || letter != '%')
            ++found.count;
        if (std::string_view("diouxXcsqaAeEfgG%").find(letter) == std::string_view::npos ||
            last >= format.size())
            found.unknown = format.substr(at, last - at + 1);
        at = std::min(last, format.size() - 1);
    }
    return found;
}

void judge_format(int line, std::string_view format, const std::vector<const Node*>& values,
                  Findings& findings) {
    const auto wanted = conversions_of(format);
    const bool open = !values.empty() && !values.back()->enclosed &&
                      (values.back()->form == Form::call || values.back()->form == Form::method ||
                       values.back()->form == Form::varargs); // it may give several
    if (!wanted.unknown.empty())
        findings.add(line, fmt::format("'{}' in a format means nothing", printable(wanted.unknown)),
                     "write %s, %d or %q, and %% for a percent sign");
    else if (!open && wanted.count != values.size())
        findings.add(line,
                     fmt::format("the format takes {}, and there {} {}", counted(wanted.count, "value"),
                                 values.size() == 1 ? "is" : "are", values.size()));
}

std::vector<const Node*> arguments_from(const Node& call, std::size_t first) {
    std::vector<const Node*> values;
    for (; first < call.parts.size(); ++first)
        values.push_back(&call.parts[first]);
    return values;
}

void format_arguments(const Subject& subject, Findings& findings) {
    const auto& script = subject.script();
    each(script.root(), [&](const Node& node) {
        if (node.form == Form::method && node.text == "format")
            if (const auto format = script.text_of(node.parts[0]))
                judge_format(node.line, *format, arguments_from(node, 1), findings);
        if (node.form == Form::call && dotted(node.parts[0]) == "string.format" &&
            node.parts.size() > 1)
            if (const auto format = script.text_of(node.parts[1]))
                judge_format(node.line, *format, arguments_from(node, 2), findings);
        return true;
    });
    for (const auto& mention : subject.mentions()) {
        const auto* primitive = mention.primitive;
        if (!primitive || !primitive->positional || primitive->params.empty() ||
            primitive->params.back().name != "text" ||
            mention.arguments.size() < primitive->params.size())
            continue;
        auto values = mention.arguments;
        const auto format = script.text_of(*values[primitive->params.size() - 1]);
        values.erase(values.begin(), values.begin() + static_cast<long>(primitive->params.size()));
        if (format && (!values.empty() || format->find("%d") != std::string::npos ||
                       format->find("%s") != std::string::npos))
            judge_format(mention.line, *format, values, findings);
    }
}

void compared_with_null(const Subject& subject, Findings& findings) {
    const auto is_null = [&](const Node& node) {
        return key_of(node) == "null" && subject.is_respawn(subject.script(), node.parts[0]);
    };
    each(subject.script().root(), [&](const Node& node) {
        const bool equal = node.form == Form::binary && (node.text == "==" || node.text == "~=");
        if (equal && (is_null(node.parts[0]) || is_null(node.parts[1])))
            findings.add(node.line, "a column that is NULL is nil, never respawn.null");
        return true;
    });
}

} // namespace

const Rules& language_rules() {
    static const Rules rules = {
        { .name = "forbidden-library",
          .wrong = "A library or a function of Lua that runbooks are not given, such as os, io, debug "
                   "and load.",
          .cure = "use a primitive",
          .look = forbidden_library },
        { .name = "unknown-library-function",
          .wrong = "string, table, math or utf8 has no function of this name.",
          .cure = "use one that there is",
          .look = unknown_library_function },
        { .name = "unreachable-code",
          .severity = Severity::warning,
          .wrong = "A statement behind error, respawn.fail, respawn.wait_for_person or break.",
          .cure = "take it out, or put what comes before it into an if",
          .look = unreachable_code },
        { .name = "endless-loop",
          .wrong = "A loop that nothing ends.",
          .cure = "count in a for loop, or write a break",
          .look = endless_loop },
        { .name = "duplicate-key",
          .wrong = "A table has the same key twice; the first value is lost.",
          .cure = "take one of them out",
          .look = duplicate_key },
        { .name = "duplicate-name",
          .wrong = "Two parameters, or two locals of one statement, have the same name.",
          .cure = "give one of them another name",
          .look = duplicate_name },
        { .name = "self-assignment",
          .severity = Severity::warning,
          .wrong = "A value is assigned to itself.",
          .cure = "take it out, or assign what was meant",
          .look = self_assignment },
        { .name = "same-on-both-sides",
          .severity = Severity::warning,
          .wrong = "A comparison of something with itself.",
          .cure = "compare with what was meant",
          .look = same_on_both_sides },
        { .name = "empty-branch",
          .severity = Severity::warning,
          .wrong = "An 'if' without a statement.",
          .cure = "take it out, or write what should happen",
          .look = empty_branch },
        { .name = "not-before-comparison",
          .wrong = "'not a == b', which compares (not a) with b.",
          .cure = "write a ~= b",
          .look = not_before_comparison },
        { .name = "refused-metamethod",
          .wrong = "__gc, __close, __mode, __metatable or <close>: what runs at no certain moment.",
          .cure = "take it out",
          .look = refused_metamethod },
        { .name = "format-arguments",
          .wrong = "A format and its values do not fit each other.",
          .cure = "give one value for each %d and %s; write %% for a percent sign",
          .look = format_arguments },
        { .name = "compared-with-null",
          .wrong = "A comparison with respawn.null, which no value that was read ever is.",
          .cure = "compare with nil",
          .look = compared_with_null },
    };
    return rules;
}

} // namespace respawn::lint
