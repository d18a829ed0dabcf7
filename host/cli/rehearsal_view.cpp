#include "cli/rehearsal_view.h"

#include "base/text.h"
#include "cli/output.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::size_t most_listed = 50, most_there_are = 1'000'000, most_differences = 20;

double in_seconds(Duration span) { return static_cast<double>(span.count()) / 1e6; }

std::string came_to(const journal::RehearsalRecord& rehearsal) {
    return rehearsal.passed ? "passed" : "did not pass: " + rehearsal.error.text_at("why");
}

void show_effect(const Value& effect) {
    const auto name = fmt::format("  {:<9} {}", printable(effect.text_at("phase")),
                                  painted(printable(effect.text_at("name")), Colour::bold));
    const auto written = database::written_from(effect);
    if (!written.ok() || written.value().rows.empty())
        return say(fmt::format("{}  {}", name, to_text(effect.at("arguments"))));
    say(name);
    for (const auto& change : change_lines(written.value().rows))
        say("            " + change);
}

} // namespace

std::string times_of(const journal::RehearsalRecord& rehearsal) {
    return fmt::format("{}: restoring the copy {}, running {}", human_duration(rehearsal.took),
                       human_duration(rehearsal.restore_took),
                       human_duration(rehearsal.took - rehearsal.restore_took));
}

Value to_value(const journal::RehearsalRecord& rehearsal) {
    const bool not_needed = rehearsal.error.text_at("kind") == "not_needed";
    return Value::Map{ { "id", rehearsal.id },
                       { "mode", "rehearsal" },
                       { "runbook", rehearsal.runbook },
                       { "version", rehearsal.version },
                       { "source", rehearsal.sources },
                       { "parameters", rehearsal.parameters },
                       { "backup_id", rehearsal.backup.empty() ? Value() : Value(rehearsal.backup) },
                       { "operator", rehearsal.operator_name },
                       { "start_time", to_rfc3339(rehearsal.began) },
                       { "duration_seconds", in_seconds(rehearsal.took) },
                       { "restore_seconds", in_seconds(rehearsal.restore_took) },
                       { "state", rehearsal.passed ? "passed"
                                  : not_needed     ? "not_needed"
                                                   : "failed" },
                       { "passed", rehearsal.passed },
                       { "error", rehearsal.error },
                       { "effects", rehearsal.effects } };
}

void show_rehearsal(const journal::RehearsalRecord& rehearsal) {
    say(fmt::format("rehearsal {}  {} {}  {}", rehearsal.id, rehearsal.runbook, rehearsal.version,
                    painted(printable(came_to(rehearsal)), Colour::bold)));
    say(fmt::format("  by {}, {}, on {}", printable(rehearsal.operator_name),
                    to_rfc3339(rehearsal.began, true),
                    rehearsal.backup.empty() ? "no backup" : "backup " + rehearsal.backup));
    say(fmt::format("  parameters {}", to_text(rehearsal.parameters)));
    say("  took " + times_of(rehearsal));
    const auto* effects = rehearsal.effects.list();
    for (const auto& effect : effects ? *effects : Value::List{})
        show_effect(effect);
}

Result<int> list_rehearsals(const Context& context, journal::Journal& journal,
                            std::optional<Moment> since) {
    auto all = TRY(journal.rehearsals(since ? most_there_are : most_listed, {}));
    std::erase_if(all, [&](const auto& one) { return since && one.began < *since; });
    if (context.json) {
        Value::List list;
        for (const auto& rehearsal : all)
            list.push_back(to_value(rehearsal));
        say_json(list);
        return 0;
    }
    if (all.empty()) {
        say(since ? "There was no rehearsal since then."
                  : "There were no rehearsals yet: respawn run RUNBOOK --rehearse");
        return 0;
    }
    Table table({ "id", "started", "runbook", "backup", "by", "restoring", "running", "outcome" });
    for (const auto& one : all)
        table.add({ one.id, to_rfc3339(one.began, true), one.runbook,
                    one.backup.empty() ? "-" : one.backup, printable(one.operator_name),
                    human_duration(one.restore_took), human_duration(one.took - one.restore_took),
                    printable(came_to(one)) });
    say(table.text());
    return 0;
}

void show_beside(const std::optional<run::Beside>& beside) {
    if (!beside)
        return;
    const auto named =
        fmt::format("the rehearsal of {} ({})", to_rfc3339(beside->began, true), beside->rehearsal);
    if (!beside->passed)
        return say(fmt::format("Not as rehearsed: {} did not pass.", named));
    if (beside->differences.empty())
        return say(fmt::format("As in {}.", named));
    say(fmt::format("Other than in {}:", named));
    for (std::size_t i = 0; i < std::min(beside->differences.size(), most_differences); ++i)
        say("    " + printable(beside->differences[i]));
    if (beside->differences.size() > most_differences)
        say(fmt::format("    and {} more", beside->differences.size() - most_differences));
}

Value to_value(const std::optional<run::Beside>& beside) {
    return beside ? run::to_value(*beside) : Value();
}

} // namespace respawn::cli
