#include "base/text.h"
#include "cli/junit.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "lint/subject.h"
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
        results_.push_back(result);
        if (!json_)
            print(result);
    }
    // A phase that no test ran to its end.
    void add_untested(const std::string& runbook, const std::string& phase) {
        untested_.push_back(Value::Map{ { "runbook", runbook }, { "phase", phase } });
        if (!json_)
            say(fmt::format("{} {}: no test runs its {} to the end, live", painted("!", Colour::yellow),
                            runbook, phase));
    }
    int end() const {
        if (json_)
            say_json(Value::Map{ { "passed", passed_ },
                                 { "failed", failed_ },
                                 { "tests", told() },
                                 { "untested", untested_ } });
        else
            say(fmt::format("{} passed, {} failed", passed_, failed_));
        return failed_ == 0 ? 0 : 1;
    }
    const std::vector<TestResult>& results() const { return results_; }

  private:
    Value told() const {
        Value::List tests;
        for (const auto& result : results_)
            tests.push_back(Value::Map{
                { "file", result.file },
                { "test", result.name },
                { "passed", result.passed },
                { "microseconds", result.microseconds },
                { "why", result.passed ? Value() : Value(result.why) },
                { "timeline", Value::List(result.timeline.begin(), result.timeline.end()) } });
        return tests;
    }
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
    std::vector<TestResult> results_;
    Value::List untested_;
};

// A runbook whose tests never cut the power is not fit for the night it is needed in.
void add_unkilled(const std::vector<std::string>& runbooks, const testkit::Covered& covered,
                  Report& report) {
    for (const auto& name : runbooks)
        if (!covered.killed.contains(name))
            report.add({ .file = name + std::string(suffix),
                         .name = "has a test that kills the run everywhere",
                         .passed = false,
                         .why = fmt::format("no test killed {0} at every boundary and ended well; add "
                                            "crash_everywhere(\"{0}\", …) to {0}{1}.lua",
                                            name, suffix) });
}

// The phases of runbooks that no test ran to their end.
void add_untested(const std::vector<std::string>& runbooks, const run::Folders& folders,
                  const testkit::Covered& covered, Report& report) {
    for (const auto& name : runbooks) {
        const auto source = run::find_runbook(name, folders);
        if (!source.ok())
            continue; // its tests have said so
        const lint::Script script(name, source.value().modules.at(source.value().main));
        const auto found = covered.phases.find(name);
        for (const auto phase : lint::phase_names)
            if (const std::string text(phase);
                script.functions().contains(text) &&
                (found == covered.phases.end() || !found->second.contains(text)))
                report.add_untested(name, text);
    }
}

// The tests of a file by name, as far as they are written there.
std::vector<std::string> tests_in(const run::Source& source) {
    const lint::Script script(source.name, source.modules.at(source.main));
    std::vector<std::string> names;
    lint::each(script.root(), [&](const lint::Node& node) {
        const bool call = node.form == lint::Form::call && node.parts.size() > 1 && !script.fault();
        const auto text = call ? script.text_of(node.parts[1]) : std::nullopt;
        if (text && script.is_global(node.parts[0], "test"))
            names.push_back(*text);
        if (text && script.is_global(node.parts[0], "crash_everywhere"))
            names.push_back(fmt::format("killed at every boundary, {}", *text));
        return true;
    });
    return names;
}

Result<int> list_them(const Context& context, const std::vector<std::string>& files,
                      const run::Folders& folders) {
    Value::List told;
    for (const auto& file : files)
        for (const auto& name : tests_in(TRY(run::find_runbook(file, folders)))) {
            told.push_back(Value::Map{ { "file", file }, { "test", name } });
            if (!context.json)
                say(fmt::format("{}: {}", file, printable(name)));
        }
    if (context.json)
        say_json(told);
    return 0;
}

Result<config::JournalSettings> journal_of(const Context& context) {
    const auto config = TRY(context.config(config::Strictness::lenient));
    if (config.journal)
        return *config.journal;
    return Error{
        .kind = Kind::usage,
        .why = "--journal is for a configuration with a `journal:` on a server, and this has none",
        .fix = "name one: --config FILE"
    };
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
    if (context.typed.has("--list"))
        return list_them(context, files, folders);
    Report report(context.json);
    testkit::Stage stage{ context.primitives, folders, context.cancel };
    if (context.typed.has("--journal"))
        stage.journal = TRY(journal_of(context));
    const auto covered =
        TRY(testkit::run_test_files(files, stage, std::thread::hardware_concurrency(),
                                    [&](const TestResult& result) { report.add(result); }));
    add_unkilled(runbooks, covered, report);
    add_untested(runbooks, folders, covered, report);
    if (context.typed.has("--junit"))
        TRY(io::replace_durably(context.typed.value("--junit"), junit_xml(report.results()), 0644)
                .while_doing("write the results", context.typed.value("--junit")));
    return report.end();
}

} // namespace

extern const Verb test = {
    .name = "test",
    .summary = "Runs the tests of runbooks, each in a world of its own, power cuts included.",
    .arguments = { { .name = "PATTERN",
                     .doc = "which: a part of the name, or a shell pattern; all when left out" } },
    .options = { { .name = "--junit",
                   .value = "FILE",
                   .doc = "writes the results there as JUnit XML, too" },
                 { .name = "--journal",
                   .doc =
                       "keeps the runs on the server of the configuration's `journal:`, in databases "
                       "that are made and dropped" },
                 { .name = "--list", .doc = "names the tests, and runs none" } },
    .details = "Tests are the *_test.lua files beside the runbooks. Nothing of a live game is touched, "
               "and no\n"
               "configuration is needed. Exit 1 when one fails, when nothing matches, or when a "
               "runbook has no\n"
               "test that kills it everywhere. A phase that no test runs to its end is named.",
    .example = "respawn test wox/stuck_duel",
    .run = run_tests,
};

} // namespace respawn::cli
