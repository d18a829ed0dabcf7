#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "testkit/test_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

namespace respawn::cli {

namespace {

using testkit::TestResult;

constexpr std::string_view suffix = "_test";

bool is_wanted(std::string_view name, const std::string& pattern) {
    return pattern.empty() || name.find(pattern) != std::string_view::npos ||
           matches_pattern(name, pattern);
}

std::vector<std::string> wanted(const std::vector<std::string>& names, const std::string& pattern) {
    std::vector<std::string> chosen;
    std::copy_if(names.begin(), names.end(), std::back_inserter(chosen),
                 [&](const std::string& name) { return is_wanted(name, pattern); });
    return chosen;
}

// No configuration is needed. One that is named says where runbooks are.
Result<run::Folders> folders_of(const Context& context) {
    if (context.typed.has("--config"))
        return context.folders(TRY(context.config(config::Strictness::lenient)));
    return context.folders(config::Config{});
}

// What is printed, and counted, as tests end.
class Report {
  public:
    explicit Report(bool json) : json_(json) {}

    void add(const TestResult& result) {
        (result.passed ? passed_ : failed_) += 1;
        results_.push_back(
            Value::Map{ { "file", result.file },
                        { "test", result.name },
                        { "passed", result.passed },
                        { "microseconds", result.microseconds },
                        { "why", result.passed ? Value() : Value(result.why) },
                        { "timeline", Value::List(result.timeline.begin(), result.timeline.end()) } });
        if (!json_)
            print(result);
    }
    int end() const {
        if (json_)
            say_json(Value::Map{ { "passed", passed_ }, { "failed", failed_ }, { "tests", results_ } });
        else
            say(fmt::format("{} passed, {} failed", passed_, failed_));
        return failed_ == 0 ? 0 : 1;
    }

  private:
    static void print(const TestResult& result) {
        const auto sign = result.passed ? painted("✓", Colour::green) : painted("✗", Colour::red);
        const auto took = human_duration(Duration(result.microseconds));
        say(fmt::format("{} {}: {}  {}", sign, result.file, printable(result.name),
                        painted(took, Colour::dim)));
        if (result.passed)
            return;
        for (const auto line : split(result.why, '\n'))
            say("    " + printable(line));
        for (const auto& line : result.timeline)
            say("      │ " + printable(line));
    }

    bool json_;
    std::int64_t passed_ = 0, failed_ = 0;
    Value::List results_;
};

// A runbook whose tests never cut the power is not fit for the night it is needed in.
void add_untested(const std::vector<std::string>& runbooks, const testkit::Covered& covered,
                  Report& report) {
    for (const auto& name : runbooks)
        if (!covered.contains(name))
            report.add({ .file = name + std::string(suffix),
                         .name = "has a test that kills the run everywhere",
                         .passed = false,
                         .why = fmt::format("no test killed {0} at every boundary and ended well; add "
                                            "crash_everywhere(\"{0}\", …) to {0}{1}.lua",
                                            name, suffix) });
}

Result<int> run_tests(const Context& context) {
    const auto folders = TRY(folders_of(context));
    const auto pattern = context.typed.value("PATTERN");
    const auto files = wanted(TRY(run::list_tests(folders)), pattern);
    const auto runbooks = wanted(TRY(run::list_runbooks(folders)), pattern);
    if (files.empty() && runbooks.empty())
        return Error{ .kind = Kind::missing,
                      .why = pattern.empty() ? "there are no runbooks and no tests"
                                             : fmt::format("no runbook and no test matches '{}'",
                                                           printable(pattern)),
                      .fix = "respawn runbooks lists what there is" };
    Report report(context.json);
    const testkit::Stage stage{ context.primitives, folders, context.cancel };
    const auto covered =
        TRY(testkit::run_test_files(files, stage, std::thread::hardware_concurrency(),
                                    [&](const TestResult& result) { report.add(result); }));
    add_untested(runbooks, covered, report);
    return report.end();
}

} // namespace

extern const Verb test = {
    .name = "test",
    .summary = "Runs the tests of runbooks, each in a world of its own, power cuts included.",
    .arguments = { { .name = "PATTERN",
                     .doc = "which: a part of the name, or a shell pattern; all when left out" } },
    .details = "Tests are the *_test.lua files beside the runbooks. Nothing of a live game is touched, "
               "and no\n"
               "configuration is needed. Exit 1 when one fails, when nothing matches, or when a "
               "runbook has no\n"
               "test that kills it everywhere.",
    .example = "respawn test wox/stuck_duel",
    .run = run_tests,
};

} // namespace respawn::cli
