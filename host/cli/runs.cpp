#include "base/text.h"
#include "cli/output.h"
#include "cli/rehearsal_view.h"
#include "cli/run_view.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::size_t most_shown = 50, most_ever = 1'000'000;

// "7d" ago, or a moment.
Result<Moment> since_when(const std::string& text) {
    if (const auto ago = parse_duration(text); ago.ok())
        return now() + -ago.value();
    return parse_moment(text, now());
}

// The newest, or all since a moment.
Result<std::vector<journal::RunRecord>> chosen(journal::Journal& journal, std::optional<Moment> since) {
    if (!since)
        return journal.runs(most_shown);
    auto all = TRY(journal.runs(most_ever));
    std::erase_if(all, [&](const auto& run) { return run.started < *since; });
    return all;
}

Result<int> list_runs(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    auto* journal = TRY(game.journal());
    std::optional<Moment> since;
    if (context.typed.has("--since"))
        since = TRY(since_when(context.typed.value("--since")));
    if (context.typed.has("--rehearsals"))
        return list_rehearsals(context, *journal, since);
    const auto all = TRY(chosen(*journal, since));
    if (context.json) {
        Value::List list;
        for (const auto& run : all)
            list.push_back(to_value(run));
        say_json(list);
        return 0;
    }
    if (all.empty()) {
        say(context.typed.has("--since")
                ? "There was no run since then."
                : "There were no runs yet. respawn runbooks lists what can be run.");
        return 0;
    }
    Table table({ "id", "started", "runbook", "target", "by", "state", "phase" });
    for (const auto& run : all)
        table.add({ run.id, to_rfc3339(run.started, true), run.runbook, printable(run.target),
                    printable(run.operator_name), shown_state(run), run.phase });
    say(table.text());
    return 0;
}

} // namespace

extern const Verb runs = {
    .name = "runs",
    .summary = "Lists the runs of recovery procedures, newest first.",
    .options = { { .name = "--since",
                   .value = "WHEN",
                   .doc = "all since then and not the newest 50: 7d, yesterday, 2026-11-21" },
                 { .name = "--rehearsals", .doc = "rehearsals and what they came to, not runs" } },
    .example = "respawn runs --since 7d",
    .run = list_runs,
};

} // namespace respawn::cli
