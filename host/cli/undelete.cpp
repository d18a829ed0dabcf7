#include "base/text.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<int> list_removed(const Context& context, vault::Vault& vault, Duration grace) {
    const auto removed = TRY(vault.removed(grace));
    Value::List list;
    Table table({ "id", "taken", "plan", "type", "removed", "why", "until" });
    for (const auto& one : removed) {
        const auto& snapshot = one.snapshot;
        list.push_back(Value::Map{ { "id", snapshot.id },
                                   { "start_time", to_rfc3339({ snapshot.started }) },
                                   { "removed", to_rfc3339(one.removed) },
                                   { "until", to_rfc3339(one.until) },
                                   { "why", one.why } });
        table.add({ snapshot.id, to_rfc3339({ snapshot.started }, true),
                    snapshot.plan.empty() ? "-" : printable(snapshot.plan), printable(snapshot.type),
                    to_rfc3339(one.removed, true), printable(one.why), to_rfc3339(one.until, true) });
    }
    if (context.json)
        say_json(list);
    else
        say(removed.empty() ? "There is no removed backup that could be brought back." : table.text());
    return 0;
}

Result<int> undelete_backup(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    auto* vault = TRY(game.vault());
    if (!context.typed.has("BACKUP"))
        return list_removed(context, *vault, game.config().grace);
    const auto snapshot = TRY(vault->undelete(context.typed.value("BACKUP")));
    if (context.json)
        say_json(to_value(snapshot));
    else
        say(fmt::format("snapshot {} of {} is back", snapshot.id,
                        to_rfc3339({ snapshot.started }, true)));
    return 0;
}

} // namespace

extern const Verb undelete = {
    .name = "undelete",
    .summary = "Brings a removed backup back, as long as its data is there; lists them without an id.",
    .arguments = { { .name = "BACKUP", .doc = "an id, or the beginning of one" } },
    .example = "respawn undelete 01J8ZK4",
    .run = undelete_backup,
};

} // namespace respawn::cli
