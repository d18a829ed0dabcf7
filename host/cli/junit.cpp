#include "cli/junit.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

using testkit::TestResult;

// XML has no way to say most control characters, and texts of tests may have any byte: they are shown
// as \xNN.
std::string xml_text(std::string_view text) {
    std::string safe;
    for (const char c : printable(text)) {
        switch (c) {
        case '&':
            safe += "&amp;";
            break;
        case '<':
            safe += "&lt;";
            break;
        case '>':
            safe += "&gt;";
            break;
        case '"':
            safe += "&quot;";
            break;
        default:
            safe += c;
        }
    }
    return safe;
}

std::string xml_lines(std::string_view text) {
    std::string safe;
    for (const auto line : split(text, '\n'))
        safe += xml_text(line) + "\n";
    return safe;
}

std::string xml_seconds(std::int64_t microseconds) {
    return fmt::format("{}.{:06}", microseconds / 1'000'000, microseconds % 1'000'000);
}

std::string case_xml(const TestResult& result) {
    auto xml =
        fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"", xml_text(result.file),
                    xml_text(result.name), xml_seconds(result.microseconds));
    if (result.passed)
        return xml + "/>\n";
    const auto first = result.why.substr(0, result.why.find('\n'));
    xml += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n", xml_text(first),
                       xml_lines(result.why));
    if (!result.timeline.empty())
        xml +=
            fmt::format("      <system-out>{}</system-out>\n", xml_lines(join(result.timeline, "\n")));
    return xml + "    </testcase>\n";
}

struct Suite {
    std::string file, cases;
    std::size_t tests = 0, failures = 0;
    std::int64_t microseconds = 0;
};

std::vector<Suite> suites_of(const std::vector<TestResult>& results) {
    std::vector<Suite> suites;
    for (const auto& result : results) {
        auto suite = std::find_if(suites.begin(), suites.end(),
                                  [&](const Suite& one) { return one.file == result.file; });
        if (suite == suites.end())
            suite = suites.insert(suites.end(), Suite{ .file = result.file, .cases = {} });
        suite->cases += case_xml(result);
        ++suite->tests;
        suite->failures += result.passed ? 0 : 1;
        suite->microseconds += result.microseconds;
    }
    return suites;
}

} // namespace

std::string junit_xml(const std::vector<TestResult>& results) {
    std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
    for (const auto& suite : suites_of(results))
        xml += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" "
                           "skipped=\"0\" time=\"{}\">\n{}"
                           "  </testsuite>\n",
                           xml_text(suite.file), suite.tests, suite.failures,
                           xml_seconds(suite.microseconds), suite.cases);
    return xml + "</testsuites>\n";
}

} // namespace respawn::cli
