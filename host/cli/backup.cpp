#include "run/backup.h"
#include "run/readiness.h"
#include "run/recorded.h"
#include "run/rules.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<run::BackupRequest> request_from(const Context& context, const config::Config& config) {
    run::BackupRequest request{ .plan = context.typed.value("PLAN"),
                                .type = context.typed.value(
                                    "--type", context.typed.has("--forced") ? "emergency" : "manual"),
                                .components = context.typed.values("--component"),
                                .note = context.typed.value("--note"),
                                .call = {} };
    if (request.plan.empty())
        return request;
    const auto* plan = config.plan(request.plan);
    if (!plan) {
        std::vector<std::string> names;
        for (const auto& known : config.plans)
            names.push_back(known.name);
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("there is no plan '{}' in the configuration",
                                         printable(request.plan)),
                      .fix = names.empty() ? "respawn backup takes every component"
                                           : "there is: " + join(names, ", ") };
    }
    if (request.components.empty())
        request.components = plan->components;
    if (!context.typed.has("--type") && !context.typed.has("--forced"))
        request.type = plan->type;
    request.tables = plan->tables;
    return request;
}

std::string speed_of(const vault::ComponentRecord& record) {
    if (record.duration <= 0)
        return "";
    return human_size(static_cast<std::uint64_t>(static_cast<double>(record.size_bytes) * 1e6 /
                                                 static_cast<double>(record.duration))) +
           "/s";
}

void show(const vault::Snapshot& snapshot) {
    Table table({ "component", "kind", "size", "files", "time", "rate", "state" });
    for (const auto& record : snapshot.components)
        table.add({ record.name, record.kind, human_size(record.size_bytes),
                    std::to_string(record.files), human_duration(Duration(record.duration)),
                    speed_of(record),
                    record.success ? (record.error.empty() ? "ok" : printable(record.error))
                                   : "FAILED: " + printable(record.error) });
    say(table.text());
    say(fmt::format("snapshot {}: {}, {} new in the vault, in {}", painted(snapshot.id, Colour::bold),
                    human_size(size_of(snapshot)), human_size(snapshot.stored_bytes),
                    human_duration(Duration(snapshot.finished - snapshot.started))));
}

Value with_locations(Value snapshot, run::Game& game, const Shared& shared) {
    auto map = *snapshot.map();
    map.insert_or_assign("locations", locations_of(game, shared));
    return map;
}

// The backup is taken and stays, whatever they say.
std::vector<run::RuleOutcome> rules_of(const Context& context, run::Game& game,
                                       const vault::Snapshot& snapshot) {
    auto rules = run::check_rules(*game.vault().value(), snapshot, game.config(), {}, context.cancel);
    if (rules.ok())
        return std::move(rules).value();
    tell("warning: the rules could not be asked: " + printable(rules.error().why));
    return {};
}

Value with_rules(Value snapshot, const std::vector<run::RuleOutcome>& rules) {
    auto map = *snapshot.map();
    Value::List list;
    for (const auto& rule : rules)
        list.push_back(run::to_value(rule));
    map.insert_or_assign("rules", std::move(list));
    return map;
}

// True when nothing speaks against it.
Result<bool> look_first(run::Game& game, const run::BackupRequest& request) {
    bool well = true;
    for (const auto& looked : TRY(run::look_before_backup(game, request.components))) {
        tell(fmt::format("  {:<6} {:<24} {}", looked.well() ? "ok" : painted("NO", Colour::red),
                         printable(looked.subject), printable(looked.found)));
        if (!looked.well())
            tell("         do  " + printable(looked.fix));
        well = well && looked.well();
    }
    if (!well)
        tell("no backup was taken; without --forced it is tried all the same");
    return well;
}

Result<int> take(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    const auto request = TRY(request_from(context, game.config()));
    if (context.typed.has("--forced") && !TRY(look_first(game, request)))
        return 4;
    std::optional<ProgressBar> bar;
    std::string shown;
    const auto progress = [&](const std::string& component, std::uint64_t done, std::uint64_t total) {
        if (component != std::exchange(shown, component))
            bar.emplace("backing up " + component);
        bar->show(done, total);
    };
    const auto snapshot = run::back_up(game, request, context.cancel, progress);
    bar.reset();
    if (!snapshot.ok())
        return Result<int>(snapshot.error()).while_doing("take the backup", game.config().game);
    const auto shared = share_with_others(context, game);
    const auto rules = rules_of(context, game, snapshot.value());
    if (context.json)
        say_json(with_rules(with_locations(to_value(snapshot.value()), game, shared), rules));
    else
        show(snapshot.value());
    for (const auto& rule : rules)
        if (!rule.held())
            tell(fmt::format("warning: a rule of {} is broken: {}", rule.component, to_text(rule)));
    return snapshot.value().good() && shared.all ? 0 : 3;
}

} // namespace

extern const Verb backup = {
    .name = "backup",
    .summary = "Takes a backup of every component, or of a plan's, into the vault.",
    .arguments = { { .name = "PLAN",
                     .doc = "a plan of the configuration; every component when left out" } },
    .options = { { .name = "--component",
                   .value = "NAME",
                   .doc = "only this one; may be repeated",
                   .repeated = true },
                 { .name = "--type",
                   .value = "TYPE",
                   .doc = "a label for keeping: manual, full, pre_update, pre_migration, emergency" },
                 { .name = "--forced",
                   .doc = "at once, as an emergency, with a look at disk, memory, load, databases and "
                          "rights first; exit 4 when one of them is not well" },
                 { .name = "--note", .value = "TEXT", .doc = "what it is for, shown by list" } },
    .details =
        "Exit 3 when a component failed, was empty or was missing: the others are kept all the "
        "same, and the last good backup stays the last good one.\nExit 3 as well when a location "
        "did not get it: `respawn replicate` catches that one up.",
    .example = "respawn backup daily --note \"before the patch\"",
    .run = take,
};

} // namespace respawn::cli
