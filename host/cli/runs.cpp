#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::size_t most_shown = 50;

Result<int> list_runs(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    const auto all = TRY(TRY(game.journal())->runs(most_shown));
    if (context.json) {
        Value::List list;
        for (const auto& run : all)
            list.push_back(to_value(run));
        say_json(list);
        return 0;
    }
    if (all.empty()) {
        say("There were no runs yet. respawn runbooks lists what can be run.");
        return 0;
    }
    Table table({ "id", "started", "runbook", "target", "by", "state", "phase" });
    for (const auto& run : all)
        table.add({ run.id, to_rfc3339(run.started, true), run.runbook, printable(run.target),
                    printable(run.operator_name), state_of(run), run.phase });
    say(table.text());
    return 0;
}

} // namespace

extern const Verb runs = {
    .name = "runs",
    .summary = "Lists the runs of recovery procedures, newest first.",
    .example = "respawn runs --json",
    .run = list_runs,
};

} // namespace respawn::cli
