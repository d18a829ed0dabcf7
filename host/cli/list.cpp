#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"

#include <fmt/format.h>
#include <map>

namespace respawn::cli {

namespace {

using Where = std::map<std::string, std::vector<std::string>>; // names of locations by snapshot

// One that does not answer has nothing, as far as can be told.
Result<Where> find_where(OpenVault& source) {
    Where where;
    if (!source.game)
        return where;
    auto& places = *TRY(source.game->places());
    for (auto& place : places.all()) {
        std::vector<vault::Damage> damaged;
        const auto vault = places.open(place);
        const auto list = vault.ok() ? vault.value()->own_snapshots(&damaged)
                                     : Result<std::vector<vault::Snapshot>>(vault.error());
        if (list.ok())
            for (const auto& snapshot : list.value())
                where[snapshot.id].push_back(place.name);
    }
    return where;
}

Result<int> list_snapshots(const Context& context) {
    auto source = TRY(open_vault(context));
    std::vector<vault::Damage> damaged;
    auto snapshots = TRY(source.vault->snapshots(&damaged));
    const auto where = TRY(find_where(source));
    const auto proofs = proofs_in(*source.vault);
    const auto names = [&](const std::string& id) {
        const auto found = where.find(id);
        return found == where.end() ? std::vector<std::string>() : found->second;
    };
    if (context.json) {
        Value::List list;
        for (const auto& snapshot : snapshots) {
            auto map = *with_proof(to_value(snapshot), proofs).map();
            const auto at = names(snapshot.id);
            map.emplace("locations", Value::List(at.begin(), at.end()));
            list.push_back(std::move(map));
        }
        say_json(list);
    } else if (snapshots.empty()) {
        say("There are no backups yet. Take one: respawn backup");
    } else {
        Table table({ "id", "taken", "age", "plan", "type", "components", "size", "stored", "locations",
                      "state", "proof" });
        for (const auto& snapshot : snapshots)
            table.add({ snapshot.id, to_rfc3339({ snapshot.started }, true), age_of(snapshot.started),
                        snapshot.plan.empty() ? "-" : snapshot.plan, snapshot.type,
                        component_names(snapshot), human_size(size_of(snapshot)),
                        human_size(snapshot.stored_bytes),
                        where.empty() ? "-" : join(names(snapshot.id), ","),
                        snapshot.good() ? "good" : "NOT WHOLE", proof_of(snapshot.id, proofs) });
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
