#include "base/text.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<std::vector<vault::Snapshot>> chosen(const Context& context,
                                            const std::vector<vault::Snapshot>& all) {
    std::vector<vault::Snapshot> list;
    for (const auto& name : context.typed.values("BACKUP")) {
        if (name.starts_with("latest") || name.starts_with("@"))
            return Error{ .kind = Kind::usage,
                          .why = "what is removed is named by its id",
                          .fix = "respawn list shows the ids" };
        list.push_back(TRY(vault::find_snapshot(all, name, {}, now())));
    }
    return list;
}

Result<int> remove_backups(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    auto* vault = TRY(game.vault());
    const auto all = TRY(vault->snapshots());
    const auto list = TRY(chosen(context, all));
    std::vector<std::string> ids;
    for (const auto& snapshot : list)
        ids.push_back(snapshot.id);
    for (const auto& snapshot : list)
        tell(fmt::format("{}  {}  {}", snapshot.id, to_rfc3339({ snapshot.started }, true),
                         component_names(snapshot)));
    if (!context.typed.has("--yes") &&
        !TRY(ask(fmt::format("Remove {}?", counted(ids.size(), "backup")), "respawn remove … --yes")))
        return 5;
    auto removed =
        vault->remove(ids, "removed by " + operator_name(), context.typed.has("--last-good"));
    if (!removed.ok() && removed.error().kind == Kind::moved)
        removed.error().fix = "nothing was removed; take a new backup first, or say --last-good";
    TRY(std::move(removed));
    if (context.json)
        say_json(Value::Map{ { "removed", Value::List(ids.begin(), ids.end()) } });
    else
        say(fmt::format("removed {}; to bring one back within {}: respawn undelete {}",
                        counted(ids.size(), "backup"), human_duration(game.config().grace),
                        ids.front()));
    return 0;
}

} // namespace

extern const Verb remove_verb = {
    .name = "remove",
    .summary = "Removes single backups, whatever the rules say.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, or the beginning of one",
                     .required = true,
                     .repeated = true } },
    .options = { { .name = "--yes", .doc = "do not ask" },
                 { .name = "--last-good", .doc = "also the last good backup of a plan and type" } },
    .example = "respawn remove 01J8ZK4 --yes",
    .run = remove_backups,
};

} // namespace respawn::cli
