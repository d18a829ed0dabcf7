// Tests, and runbooks without them.
#include "lint/rule.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::lint {

namespace {

void each_call_of(const Script& script, std::string_view function,
                  const std::function<void(const Node&)>& look) {
    each(script.root(), [&](const Node& node) {
        if (node.form == Form::call && script.is_global(node.parts[0], function))
            look(node);
        return true;
    });
}

bool calls(const Script& script, std::string_view function) {
    bool found = false;
    each_call_of(script, function, [&](const Node&) { found = true; });
    return found;
}

void no_test(const Subject& subject, Findings& findings) {
    if (!subject.has_test())
        findings.add(1, "there is no test beside this runbook",
                     fmt::format("write {}_test.lua; respawn new runbook shows how one looks",
                                 subject.script().name()));
}

void no_crash_everywhere(const Subject& subject, Findings& findings) {
    if (subject.test() && subject.has_effects() && !calls(*subject.test(), "crash_everywhere"))
        findings.add(
            1, "its test never kills the run",
            fmt::format("write crash_everywhere(\"{0}\", {{ … }}, make_world) into {0}_test.lua",
                        subject.script().name()));
}

bool names_field(const Script& script, std::string_view field) {
    bool found = false;
    each(script.root(), [&](const Node& node) {
        found = found || (node.form == Form::named && node.text == field);
        return !found;
    });
    return found;
}

void no_dry_run_test(const Subject& subject, Findings& findings) {
    if (subject.test() && subject.has_effects() && !names_field(*subject.test(), "dry_run"))
        findings.add(1, "its test never makes a dry run");
}

void duplicate_test(const Subject& subject, Findings& findings) {
    std::map<std::string, int> lines;
    each_call_of(subject.script(), "test", [&](const Node& call) {
        const auto name =
            call.parts.size() > 1 ? subject.script().text_of(call.parts[1]) : std::nullopt;
        if (!name)
            return;
        const auto [first, added] = lines.emplace(*name, call.line);
        if (!added)
            findings.add(call.line,
                         fmt::format("the test of line {} has the same name", first->second));
    });
}

// Whether a test's function could fail: it calls something that compares, or a function of the file.
bool asserts_something(const Script& script, const Node& function) {
    bool found = false;
    each(function, [&](const Node& node) {
        if (node.form == Form::call && node.parts[0].form == Form::name) {
            const auto& called = node.parts[0];
            found = found || script.local_of(called) || script.is_global(called, "same") ||
                    script.is_global(called, "fails") || script.is_global(called, "error") ||
                    script.is_global(called, "assert");
        }
        return !found;
    });
    return found;
}

void test_without_assertion(const Subject& subject, Findings& findings) {
    each_call_of(subject.script(), "test", [&](const Node& call) {
        if (call.parts.size() < 3)
            return;
        const auto& function = subject.script().meant(call.parts[2]);
        if (function.form == Form::function && !asserts_something(subject.script(), function))
            findings.add(call.line, "this test compares nothing");
    });
}

} // namespace

const Rules& test_rules() {
    static const Rules rules = {
        { .name = "no-test",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "A runbook without a test beside it.",
          .cure = "write NAME_test.lua beside it",
          .look = no_test },
        { .name = "no-crash-everywhere",
          .files = runbooks,
          .wrong = "The test of a runbook that changes something does not kill it at every boundary.",
          .cure = "write crash_everywhere(NAME, { … }, make_world) into its test",
          .look = no_crash_everywhere },
        { .name = "no-dry-run-test",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "The test of a runbook that changes something makes no dry run.",
          .cure =
              "compare world:everything() before and after world:run(NAME, { … }, { dry_run = true })",
          .look = no_dry_run_test },
        { .name = "duplicate-test",
          .severity = Severity::warning,
          .files = tests,
          .wrong = "Two tests of a file have the same name.",
          .cure = "say in the name what makes it another",
          .look = duplicate_test },
        { .name = "test-without-assertion",
          .severity = Severity::warning,
          .files = tests,
          .wrong = "A test that compares nothing and can hardly fail.",
          .cure = "say what must be so: same(actual, expected)",
          .look = test_without_assertion },
    };
    return rules;
}

} // namespace respawn::lint
