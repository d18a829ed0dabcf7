#include "base/text.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "cli/snapshot_view.h"

#include <algorithm>
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

// Those of them that it has: a location may be behind, or has lost one already.
Result<void> remove_at(run::Place& place, const std::vector<std::string>& ids, bool last_good_too) {
    std::vector<vault::Damage> damaged;
    const auto removed_before = TRY(place.vault->removed_ids());
    std::vector<std::string> there;
    for (const auto& snapshot : TRY(place.vault->own_snapshots(&damaged)))
        if (std::ranges::find(ids, snapshot.id) != ids.end() &&
            std::ranges::find(removed_before, snapshot.id) == removed_before.end())
            there.push_back(snapshot.id);
    if (there.empty())
        return {};
    auto removed = place.vault->remove(there, "removed by " + operator_name(), last_good_too);
    if (!removed.ok() && removed.error().kind == Kind::moved)
        removed.error().fix = "nothing was removed; take a new backup first, or say --last-good";
    return removed;
}

Result<int> remove_backups(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    const auto places = TRY(asked_places(context, game));
    const auto all = TRY(TRY(game.vault())->snapshots());
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
    const auto code = TRY(at_each(places, [&](run::Place& place) {
        return remove_at(place, ids, context.typed.has("--last-good"));
    }));
    if (context.json)
        say_json(Value::Map{ { "removed", Value::List(ids.begin(), ids.end()) } });
    else
        say(fmt::format("removed {}; to bring one back within {}: respawn undelete {}",
                        counted(ids.size(), "backup"), human_duration(game.config().grace),
                        ids.front()));
    return code;
}

} // namespace

extern const Verb remove_verb = {
    .name = "remove",
    .summary = "Removes single backups, whatever the rules say.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, or the beginning of one",
                     .required = true,
                     .repeated = true } },
    .options = { { .name = "--from", .value = "NAME", .doc = "this location; all when left out" },
                 { .name = "--yes", .doc = "do not ask" },
                 { .name = "--last-good", .doc = "also the last good backup of a plan and type" } },
    .example = "respawn remove 01J8ZK4 --yes",
    .run = remove_backups,
};

} // namespace respawn::cli
