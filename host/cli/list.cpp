#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<int> list_snapshots(const Context& context) {
    auto source = TRY(open_vault(context));
    std::vector<vault::Damage> damaged;
    auto snapshots = TRY(source.vault->snapshots(&damaged));
    if (context.json) {
        Value::List list;
        for (const auto& snapshot : snapshots)
            list.push_back(to_value(snapshot));
        say_json(list);
    } else if (snapshots.empty()) {
        say("There are no backups yet. Take one: respawn backup");
    } else {
        Table table({ "id", "taken", "age", "plan", "type", "components", "size", "stored", "state" });
        for (const auto& snapshot : snapshots)
            table.add({ snapshot.id, to_rfc3339({ snapshot.started }, true), age_of(snapshot.started),
                        snapshot.plan.empty() ? "-" : snapshot.plan, snapshot.type,
                        component_names(snapshot), human_size(size_of(snapshot)),
                        human_size(snapshot.stored_bytes), snapshot.good() ? "good" : "NOT WHOLE" });
        say(table.text());
    }
    for (const auto& damage : damaged)
        tell(fmt::format("warning: {}: {}", damage.object, damage.why));
    return damaged.empty() ? 0 : 4;
}

} // namespace

extern const Verb list = {
    .name = "list",
    .summary = "Lists the backups in the vault, oldest first.",
    .options = with_opening({}),
    .details = "A ! behind a component's name: it failed or was empty in that backup.",
    .example = "respawn list --json",
    .run = list_snapshots,
};

} // namespace respawn::cli
