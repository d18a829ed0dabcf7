#include "run/rehearsal.h"

#include "base/text.h"
#include "run/answers.h"
#include "run/plan.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

using journal::RehearsalRecord;

namespace {

constexpr std::size_t most_looked_at = 200;
constexpr Duration clocks_differ = std::chrono::hours(1); // by that much at most, between hosts

std::string rehearsing_command(const std::string& runbook,
                               const std::map<std::string, std::string>& typed) {
    std::string text = "respawn run " + runbook;
    for (const auto& [name, value] : typed)
        text += fmt::format(" {}={}", name, value);
    return text + " --rehearse";
}

// What the last ones came to, newest first.
std::string what_there_is(const std::vector<RehearsalRecord>& all) {
    if (all.empty())
        return "there is none of this source";
    const auto passed = std::ranges::find_if(all, &RehearsalRecord::passed);
    const auto& last = passed == all.end() ? all.front() : *passed;
    return fmt::format("the last {} was {} ago", last.passed ? "that passed" : "did not pass and",
                       human_duration(now() - last.began));
}

// ---- beside a run ----

const Value::List& list_in(const Value& value) {
    static const Value::List none;
    return value.list() ? *value.list() : none;
}

// "players": how many rows of it. What triggers and cascades did besides is left out: copies at a
// server have no triggers.
std::map<std::string, int> rows_by_table(const Value& effect) {
    std::map<std::string, int> counts;
    for (const auto& row : list_in(effect.at("rows")))
        if (const auto* asked = row.at("asked").boolean(); !asked || *asked)
            ++counts[row.text_at("table")];
    return counts;
}

// Ids, moments and amounts are others each time.
std::string without_numbers(const Value& value) {
    std::vector<std::string> words;
    const auto text = to_text(value);
    for (const auto word : split(text, ' '))
        words.emplace_back(word.find_first_of("0123456789") == word.npos ? word : "#");
    return join(words, " ");
}

std::string name_of_effect(const Value& effect) {
    const auto component = effect.text_at("component");
    return fmt::format("{} in {}{}", effect.text_at("name"), effect.text_at("phase"),
                       component.empty() ? "" : " on " + printable(component));
}

void compare_rows(const Value& rehearsed, const Value& effect, std::vector<std::string>& lines) {
    auto before = rows_by_table(rehearsed), after = rows_by_table(effect);
    for (const auto& [table, count] : before)
        after.emplace(table, 0);
    for (const auto& [table, count] : after)
        if (const auto then = before[table]; then != count)
            lines.push_back(
                fmt::format("{}: {} of {}, {} when it was rehearsed", name_of_effect(effect),
                            counted(static_cast<std::uint64_t>(count), "row"), printable(table), then));
}

void compare_words(const Value& rehearsed, const Value& effect, std::vector<std::string>& lines) {
    const auto* arguments = effect.at("arguments").map();
    for (const auto& [name, value] : arguments ? *arguments : Value::Map{}) {
        const auto& then = rehearsed.at("arguments").at(name);
        if (!value.has_symbol() && !then.has_symbol() &&
            without_numbers(value) != without_numbers(then))
            lines.push_back(fmt::format("{}: {} {}, {} when it was rehearsed", name_of_effect(effect),
                                        name, to_text(value), to_text(then)));
    }
}

void compare_effects(const Value& rehearsed, const Value& effect, std::vector<std::string>& lines) {
    if (name_of_effect(rehearsed) != name_of_effect(effect))
        return lines.push_back(fmt::format("{}, where {} was rehearsed", name_of_effect(effect),
                                           name_of_effect(rehearsed)));
    const bool writes = !list_in(rehearsed.at("rows")).empty() || !list_in(effect.at("rows")).empty();
    (writes ? compare_rows : compare_words)(rehearsed, effect, lines);
}

// What a run did, in the form of a plan's effects.
Value effects_of(const std::vector<journal::CallRecord>& calls) {
    Value::List effects;
    for (const auto& call : calls)
        if (call.policy != journal::Policy::none && call.state != journal::CallState::failed)
            effects.push_back(Value::Map{ { "phase", call.phase },
                                          { "name", call.name },
                                          { "component", call.component },
                                          { "arguments", call.arguments },
                                          { "rows", call.result.at("written").at("rows") } });
    return effects;
}

Result<std::optional<Beside>> newest_beside(journal::Journal& journal, const std::string& source,
                                            const Value& parameters, const Value& effects) {
    const auto all = TRY(journal.rehearsals(most_looked_at, source));
    const auto found = std::ranges::find(all, parameters, &RehearsalRecord::parameters);
    if (found == all.end())
        return std::optional<Beside>();
    const auto whole = TRY(journal.rehearsal(found->id));
    return std::optional(Beside{ .rehearsal = whole.id,
                                 .began = whole.began,
                                 .passed = whole.passed,
                                 .differences = differences_from_rehearsal(whole.effects, effects) });
}

} // namespace

Result<void> must_be_rehearsed(const Description& runbook,
                               const std::map<std::string, std::string>& typed,
                               const journal::PlanRecord& plan, journal::Journal& journal) {
    if (!runbook.rehearsal)
        return {};
    const auto lately = *runbook.rehearsal;
    const auto all = TRY(journal.rehearsals(most_looked_at, sources_hash(plan.sources)));
    const auto counts = [&](const RehearsalRecord& one) {
        const auto age = now() - one.began;
        return one.passed && age <= lately && age >= -clocks_differ;
    };
    if (std::ranges::any_of(all, counts))
        return {};
    return Error{ .kind = Kind::needs_person,
                  .why = fmt::format("{} is run only when a rehearsal of the same source has passed in "
                                     "the last {}, and {}",
                                     plan.runbook, human_duration(lately), what_there_is(all)),
                  .fix = rehearsing_command(plan.runbook, typed) };
}

std::vector<std::string> differences_from_rehearsal(const Value& rehearsed, const Value& effects) {
    std::vector<std::string> lines;
    const auto done_then = without_answers(rehearsed), done_now = without_answers(effects);
    const auto &before = list_in(done_then), &after = list_in(done_now);
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
        if (i < after.size() && after[i].text_at("name") == "ends")
            break;
        if (i >= after.size())
            lines.push_back(name_of_effect(before[i]) + " was rehearsed, and is not there");
        else if (i >= before.size())
            lines.push_back(name_of_effect(after[i]) + " was not rehearsed");
        else
            compare_effects(before[i], after[i], lines);
    }
    return lines;
}

Result<std::optional<Beside>> find_beside(journal::Journal& journal, const journal::PlanRecord& plan) {
    return newest_beside(journal, sources_hash(plan.sources), plan.parameters, plan.effects);
}

Result<std::optional<Beside>> find_beside(journal::Journal& journal, const journal::RunRecord& run) {
    const auto hash = sources_hash(sources_value(TRY(journal.sources(run.id))));
    return newest_beside(journal, hash, run.parameters, effects_of(TRY(journal.calls(run.id))));
}

Value to_value(const Beside& beside) {
    return Value::Map{ { "rehearsal", beside.rehearsal },
                       { "start_time", to_rfc3339(beside.began) },
                       { "passed", beside.passed },
                       { "differences",
                         Value::List(beside.differences.begin(), beside.differences.end()) } };
}

} // namespace respawn::run
