#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<int> list_all(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    const auto folders = context.folders(game.config());
    run::Engine engine(game, context.primitives, folders, context.cancel);
    Table table({ "runbook", "version", "what it does" });
    Value::List list;
    bool sound = true;
    for (const auto& name : TRY(run::list_runbooks(folders))) {
        const auto runbook = engine.describe(name);
        const auto& version = runbook.ok() ? runbook.value().description.version : "-";
        const auto summary = runbook.ok() ? runbook.value().description.summary
                                          : "DOES NOT LOAD: " + printable(runbook.error().why);
        sound = sound && runbook.ok();
        table.add({ name, version, summary });
        list.push_back(Value::Map{ { "name", name },
                                   { "version", version },
                                   { "summary", summary },
                                   { "loads", runbook.ok() } });
    }
    if (context.json)
        say_json(list);
    else
        say(table.text() + "\nrespawn explain RUNBOOK says more.");
    return sound ? 0 : 1;
}

} // namespace

extern const Verb runbooks = {
    .name = "runbooks",
    .summary = "Lists the recovery procedures there are.",
    .example = "respawn runbooks",
    .run = list_all,
};

} // namespace respawn::cli
