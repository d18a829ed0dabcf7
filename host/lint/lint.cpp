#include "lint/lint.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

constexpr std::string_view allow_word = "lint: allow";

const Rule* find_rule(std::string_view name) {
    const auto& all = all_rules();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Rule* rule) { return rule->name == name; });
    return found == all.end() ? nullptr : *found;
}

std::vector<std::string> rule_names() {
    std::vector<std::string> names;
    for (const auto* rule : all_rules())
        names.emplace_back(rule->name);
    return names;
}

// A comment that silences a rule.
struct Allowance {
    int line = 0;
    std::string rule;
    bool has_reason = false, used = false;
};

std::vector<Allowance> allowances_in(const std::vector<Comment>& comments) {
    std::vector<Allowance> found;
    for (const auto& comment : comments) {
        if (!comment.text.starts_with(allow_word))
            continue;
        const auto rest = trimmed(std::string_view(comment.text).substr(allow_word.size()));
        const auto end = std::min(rest.find_first_of(" ("), rest.size());
        const auto reason = trimmed(rest.substr(end));
        found.push_back(
            { .line = comment.line,
              .rule = std::string(rest.substr(0, end)),
              .has_reason = reason.size() > 2 && reason.front() == '(' && reason.back() == ')' });
    }
    return found;
}

void take_out_allowed(std::vector<Finding>& findings, std::vector<Allowance>& allowed) {
    const auto is_allowed = [&](const Finding& finding) {
        for (auto& one : allowed)
            if (one.rule == finding.rule->name &&
                (one.line == finding.line || one.line + 1 == finding.line)) {
                one.used = true;
                return true;
            }
        return false;
    };
    std::erase_if(findings, is_allowed);
}

// Allowances that are wrong themselves.
void judge(const std::vector<Allowance>& allowed, const std::string& file,
           std::vector<Finding>& findings) {
    Findings unknown(*find_rule("allow-unknown"), file, findings);
    Findings bare(*find_rule("allow-without-reason"), file, findings);
    Findings unused(*find_rule("allow-unused"), file, findings);
    for (const auto& one : allowed) {
        if (!find_rule(one.rule)) {
            const auto near = nearest(one.rule, rule_names());
            unknown.add(one.line, fmt::format("there is no rule '{}'", printable(one.rule)),
                        near.empty() ? "" : fmt::format("write {}", near));
        } else if (!one.used) {
            unused.add(one.line, fmt::format("nothing here needs {} to be allowed", one.rule));
        } else if (!one.has_reason) {
            bare.add(one.line, fmt::format("{} is allowed without a reason", one.rule));
        }
    }
}

std::string_view name_of(Severity severity) {
    return severity == Severity::error ? "error" : "warning";
}

std::string files_text(Files files) {
    std::vector<std::string> named;
    for (const auto& [kind, name] :
         { std::pair{ runbooks, "runbooks" }, { modules, "modules" }, { tests, "tests" } })
        if (files & kind)
            named.emplace_back(name);
    return named.size() == 3 ? "every file" : join(named, ", ");
}

} // namespace

void Findings::add(int line, std::string text, std::string cure) {
    all_.push_back({ .file = file_,
                     .line = line,
                     .rule = &rule_,
                     .text = std::move(text),
                     .cure = cure.empty() ? std::string(rule_.cure) : std::move(cure) });
}

const Rules& file_rules() {
    static const Rules rules = {
        { .name = "syntax",
          .files = any_file,
          .wrong = "The file is not Lua 5.4.",
          .cure = "write what Lua expects there" },
        { .name = "allow-unused",
          .severity = Severity::warning,
          .files = any_file,
          .wrong = "A comment allows what is not found.",
          .cure = "take the comment out" },
        { .name = "allow-unknown",
          .files = any_file,
          .wrong = "A comment allows a rule that there is not.",
          .cure = "write the rule's name as it was reported" },
        { .name = "allow-without-reason",
          .severity = Severity::warning,
          .files = any_file,
          .wrong = "A comment allows something and does not say why.",
          .cure = "write the reason behind it: -- lint: allow RULE (why it is right here)" },
    };
    return rules;
}

const std::vector<const Rule*>& all_rules() {
    static const auto all = [] {
        std::vector<const Rule*> list;
        for (const auto* rules :
             { &file_rules(), &language_rules(), &name_rules(), &table_rules(), &case_rules(),
               &phase_rules(), &call_rules(), &sql_rules(), &change_rules(), &test_rules() })
            for (const auto& rule : *rules)
                list.push_back(&rule);
        return list;
    }();
    return all;
}

std::vector<Finding> lint(const run::Source& source, const run::Folders& folders,
                          const run::Primitives& primitives) {
    const Subject subject(source, folders, primitives);
    const auto file = source.name + ".lua";
    std::vector<Finding> findings;
    if (const auto& fault = subject.script().fault()) {
        Findings(*find_rule("syntax"), file, findings).add(fault->line, fault->why, fault->cure);
        return findings;
    }
    for (const auto* rule : all_rules())
        if (rule->look && (rule->files & subject.kind())) {
            Findings found(*rule, file, findings);
            rule->look(subject, found);
        }
    auto allowed = allowances_in(subject.script().comments());
    take_out_allowed(findings, allowed);
    judge(allowed, file, findings);
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& left, const Finding& right) { return left.line < right.line; });
    // What a function within a function does is reached twice.
    const auto said_again =
        std::unique(findings.begin(), findings.end(), [](const Finding& left, const Finding& right) {
            return left.line == right.line && left.rule == right.rule && left.text == right.text;
        });
    findings.erase(said_again, findings.end());
    return findings;
}

std::string rules_page() {
    std::string page =
        fmt::format("# Rules of `respawn lint`\n\nMade from the definitions in `host/lint`; do not "
                    "edit. There are {}.\n\n"
                    "| rule | | looked for in | what is wrong | cure |\n|---|---|---|---|---|\n",
                    all_rules().size());
    for (const auto* rule : all_rules())
        page += fmt::format("| `{}` | {} | {} | {} | {} |\n", rule->name, name_of(rule->severity),
                            files_text(rule->files), rule->wrong, rule->cure);
    return page;
}

} // namespace respawn::lint
