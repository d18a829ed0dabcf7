#include "base/text.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "cli/snapshot_view.h"

#include <fmt/format.h>
#include <map>

namespace respawn::cli {

namespace {

using Places = std::vector<run::Place*>;

// Of all locations, each once: the one that can be brought back longest.
Result<std::map<std::string, vault::Removed>> removed_anywhere(const Places& places, Duration grace) {
    std::map<std::string, vault::Removed> all;
    TRY(at_each(places, [&](run::Place& place) -> Result<void> {
        for (auto& one : TRY(place.vault->removed(grace))) {
            auto& known = all.try_emplace(one.snapshot.id, one).first->second;
            if (known.until < one.until)
                known = std::move(one);
        }
        return {};
    }));
    return all;
}

Result<int> list_removed(const Context& context, const Places& places, Duration grace) {
    const auto removed = TRY(removed_anywhere(places, grace));
    Value::List list;
    Table table({ "id", "taken", "plan", "type", "removed", "why", "until" });
    for (const auto& [id, one] : removed) {
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
    const auto places = TRY(asked_places(context, game));
    if (!context.typed.has("BACKUP"))
        return list_removed(context, places, game.config().grace);
    vault::Snapshot snapshot;
    const auto code = TRY(at_each(places, [&](run::Place& place) -> Result<void> {
        snapshot = TRY(place.vault->undelete(context.typed.value("BACKUP")));
        return {};
    }));
    if (context.json)
        say_json(to_value(snapshot));
    else
        say(fmt::format("snapshot {} of {} is back", snapshot.id,
                        to_rfc3339({ snapshot.started }, true)));
    return code;
}

} // namespace

extern const Verb undelete = {
    .name = "undelete",
    .summary = "Brings a removed backup back, as long as its data is there; lists them without an id.",
    .arguments = { { .name = "BACKUP", .doc = "an id, or the beginning of one" } },
    .options = { { .name = "--from", .value = "NAME", .doc = "this location; all when left out" } },
    .example = "respawn undelete 01J8ZK4",
    .run = undelete_backup,
};

} // namespace respawn::cli
