#include "lint/lint.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

using lint::Finding;
using lint::Severity;

// No configuration is needed. One that is named says where runbooks are.
Result<run::Folders> lint_folders(const Context& context) {
    if (context.typed.has("--config"))
        return context.folders(TRY(context.config(config::Strictness::lenient)));
    return context.folders(config::Config{});
}

// All files below folders, with `prefix` before their names.
Result<void> add_all(const std::vector<io::Path>& below, std::string_view prefix,
                     std::vector<run::Source>& sources) {
    const run::Folders here{ .runbooks = below, .stdlib = {} };
    auto names = TRY(run::list_runbooks(here));
    for (auto& name : TRY(run::list_tests(here)))
        names.push_back(std::move(name));
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
        auto source = TRY(run::find_runbook(name, here));
        source.name = fmt::format("{}{}", prefix, name);
        sources.push_back(std::move(source));
    }
    return {};
}

// By path, under the name that was typed.
Result<void> add_path(const std::string& typed, const run::Folders& folders,
                      std::vector<run::Source>& sources) {
    std::error_code fault;
    if (std::filesystem::is_directory(typed, fault))
        return add_all({ typed }, (io::Path(typed) / "").string(), sources);
    auto source = TRY(run::find_runbook(typed, folders));
    source.name = typed.substr(0, typed.size() - std::min<std::size_t>(typed.size(), 4)); // .lua
    sources.push_back(std::move(source));
    return {};
}

// A runbook by name, and its test when there is one.
Result<void> add_named(const std::string& name, const run::Folders& folders,
                       std::vector<run::Source>& sources) {
    sources.push_back(TRY(run::find_runbook(name, folders)));
    auto test = run::find_runbook(name + "_test", folders);
    if (test.ok())
        sources.push_back(std::move(test).value());
    return {};
}

Result<std::vector<run::Source>> wanted_sources(const Context& context, const run::Folders& folders) {
    std::vector<run::Source> sources;
    const auto typed = context.typed.values("RUNBOOK");
    for (const auto& one : typed) {
        std::error_code fault;
        const bool path = one.ends_with(".lua") || std::filesystem::is_directory(one, fault);
        TRY(path ? add_path(one, folders, sources) : add_named(one, folders, sources));
    }
    if (typed.empty()) {
        TRY(add_all(folders.runbooks, "", sources));
        TRY(add_all(folders.stdlib, "stdlib/", sources));
    }
    return sources;
}

void print_finding(const Finding& finding) {
    const bool error = finding.rule->severity == Severity::error;
    say(fmt::format("{}:{}: {}: {}: {}", printable(finding.file), finding.line,
                    error ? painted("error", Colour::red) : painted("warning", Colour::yellow),
                    finding.rule->name, printable(finding.text)));
    say("  cure   " + printable(finding.cure));
}

Value finding_value(const Finding& finding) {
    return Value::Map{ { "file", finding.file },
                       { "line", finding.line },
                       { "severity", finding.rule->severity == Severity::error ? "error" : "warning" },
                       { "rule", finding.rule->name },
                       { "text", finding.text },
                       { "cure", finding.cure } };
}

int count_of(const std::vector<Finding>& findings, Severity severity) {
    return static_cast<int>(
        std::count_if(findings.begin(), findings.end(),
                      [&](const Finding& finding) { return finding.rule->severity == severity; }));
}

void print_all(const std::vector<Finding>& findings, std::size_t files) {
    for (const auto& finding : findings)
        print_finding(finding);
    say(fmt::format(
        "{}{}: {}, {}", findings.empty() ? "" : "\n", counted(files, "file"),
        counted(static_cast<std::uint64_t>(count_of(findings, Severity::error)), "error"),
        counted(static_cast<std::uint64_t>(count_of(findings, Severity::warning)), "warning")));
}

Result<int> run_lint(const Context& context) {
    const auto folders = TRY(lint_folders(context));
    const auto sources = TRY(wanted_sources(context, folders));
    std::vector<Finding> findings;
    for (const auto& source : sources)
        for (auto& finding : lint::lint(source, folders, context.primitives))
            findings.push_back(std::move(finding));
    const auto errors = count_of(findings, Severity::error),
               warnings = count_of(findings, Severity::warning);
    if (context.json) {
        Value::List told;
        for (const auto& finding : findings)
            told.push_back(finding_value(finding));
        say_json(Value::Map{ { "files", static_cast<std::int64_t>(sources.size()) },
                             { "errors", errors },
                             { "warnings", warnings },
                             { "findings", told } });
    } else {
        print_all(findings, sources.size());
    }
    return errors > 0 || (context.typed.has("--strict") && warnings > 0) ? 4 : 0;
}

} // namespace

extern const Verb lint_verb = {
    .name = "lint",
    .summary = "Looks for faults in runbooks, modules and tests without running them.",
    .arguments = { { .name = "RUNBOOK",
                     .doc = "by name, with its test; or a file or folder by its path; all and stdlib "
                            "when left out",
                     .repeated = true } },
    .options = { { .name = "--strict", .doc = "warnings count as errors" } },
    .details = "Each finding names file, line, rule and cure; docs/reference/lint.md lists the rules. "
               "A comment\n"
               "-- lint: allow RULE (reason) in its line or the one above silences one. Exit 4 when "
               "there is an "
               "error.",
    .example = "respawn lint wox/stuck_duel",
    .run = run_lint,
};

} // namespace respawn::cli
