// Locals, globals and modules.
#include "lint/rule.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::lint {

namespace {

const std::set<std::string_view> has_own_rule = {
    "os",       "io",     "debug",          "coroutine", "package", "load",   "loadstring",
    "loadfile", "dofile", "collectgarbage", "unpack",    "setfenv", "getfenv"
};

void undefined_global(const Subject& subject, Findings& findings) {
    const auto& known = subject.known_globals();
    std::vector<std::string> candidates(known.begin(), known.end());
    for (const auto& local : subject.script().locals())
        candidates.push_back(local.name);
    for (const auto& [node, written] : subject.script().globals()) {
        if (written || known.contains(node->text) || has_own_rule.contains(node->text))
            continue;
        const bool primitive = run::find(subject.primitives(), node->text) != nullptr;
        const auto near = nearest(node->text, candidates);
        findings.add(node->line, fmt::format("there is no '{}' here", node->text),
                     primitive      ? fmt::format("write respawn.{}", node->text)
                     : near.empty() ? ""
                                    : fmt::format("did you mean {}?", near));
    }
}

void assigned_global(const Subject& subject, Findings& findings) {
    for (const auto& [node, written] : subject.script().globals())
        if (written)
            findings.add(node->line,
                         fmt::format("'{}' is not local; globals are read-only", node->text),
                         fmt::format("write \"local {}\" before it is used", node->text));
}

void shadowed_local(const Subject& subject, Findings& findings) {
    for (const auto& local : subject.script().locals())
        if (local.hides && local.name != "_" && local.name != "self")
            findings.add(local.line,
                         fmt::format("this {} hides that of line {}", local.name, local.hides->line));
}

// Whether a local is declared as what `require` gives.
bool is_module(const Script& script, const Local& local) {
    return local.value && !script.module_of(*local.value).empty();
}

bool is_unused(const Script& script, const Local& local) {
    const bool declared = local.kind == Local::Kind::variable || local.kind == Local::Kind::function;
    return declared && local.reads == 0 && !local.name.starts_with("_") && !script.fault();
}

void unused_local(const Subject& subject, Findings& findings) {
    for (const auto& local : subject.script().locals())
        if (is_unused(subject.script(), local) && !is_module(subject.script(), local))
            findings.add(local.line, fmt::format("{} is never used", local.name));
}

void unused_module(const Subject& subject, Findings& findings) {
    for (const auto& local : subject.script().locals())
        if (is_unused(subject.script(), local) && is_module(subject.script(), local))
            findings.add(local.line, fmt::format("{} is required and never used",
                                                 subject.script().module_of(*local.value)));
}

void missing_module(const Subject& subject, Findings& findings) {
    for (const auto* call : subject.script().requirements()) {
        const auto why = subject.why_missing(subject.script().module_of(*call));
        if (!why.empty())
            findings.add(call->line, why);
    }
}

// A part of a runbook's or module's text that is taken when it is described.
void late_require(const Subject& subject, Findings& findings) {
    std::set<const Node*> at_top;
    each(subject.script().root(), [&](const Node& node) {
        at_top.insert(&node);
        return node.form != Form::function;
    });
    for (const auto* call : subject.script().requirements())
        if (!at_top.contains(call))
            findings.add(call->line, "a module is required in a function");
}

void computed_require(const Subject& subject, Findings& findings) {
    for (const auto* call : subject.script().requirements())
        if (subject.script().module_of(*call).empty())
            findings.add(call->line, "the module's name is not known beforehand");
}

} // namespace

const Rules& name_rules() {
    static const Rules rules = {
        { .name = "undefined-global",
          .wrong = "A name that is neither local nor given.",
          .cure = "declare it with local, or require its module",
          .look = undefined_global },
        { .name = "assigned-global",
          .wrong = "A value is assigned to a name that is not local.",
          .cure = "write local before it",
          .look = assigned_global },
        { .name = "shadowed-local",
          .severity = Severity::warning,
          .wrong = "A local hides another of the same name.",
          .cure = "give one of them another name",
          .look = shadowed_local },
        { .name = "unused-local",
          .severity = Severity::warning,
          .wrong = "A local that nothing reads.",
          .cure = "take it out, or call it _",
          .look = unused_local },
        { .name = "unused-module",
          .severity = Severity::warning,
          .wrong = "A module is required and never used.",
          .cure = "take the require out",
          .look = unused_module },
        { .name = "missing-module",
          .wrong = "A module that is required is not there.",
          .cure = "write stdlib.NAME for one of stdlib; others lie beside the runbook",
          .look = missing_module },
        { .name = "late-require",
          .files = scripts,
          .wrong = "A module is required in a function: a run that is resumed has only what the file "
                   "required.",
          .cure = "require it at the top of the file",
          .look = late_require },
        { .name = "computed-require",
          .wrong = "require of a name that is not written as a text.",
          .cure = "write the name as a text",
          .look = computed_require },
    };
    return rules;
}

} // namespace respawn::lint
