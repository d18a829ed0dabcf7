#include "cli/place_view.h"

#include "base/text.h"
#include "cli/output.h"
#include "run/proofs.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Value json_of(const vault::RepairReport& report) {
    Value::List left;
    for (const auto& one : report.left)
        left.push_back(Value::Map{ { "object", one.object },
                                   { "why", one.why },
                                   { "hurts", Value::List(one.hurts.begin(), one.hurts.end()) } });
    return Value::Map{ { "found", static_cast<std::int64_t>(report.found) },
                       { "mended", Value::List(report.mended.begin(), report.mended.end()) },
                       { "left", std::move(left) },
                       { "blobs", static_cast<std::int64_t>(report.blobs) },
                       { "stored_bytes", static_cast<std::int64_t>(report.stored_bytes) } };
}

void show(const vault::RepairReport& report, bool dry) {
    if (report.found == 0)
        return say("nothing is damaged");
    for (const auto& line : report.mended)
        say(fmt::format("{}  {}", painted(dry ? "would mend" : "mended", Colour::green),
                        printable(line)));
    for (const auto& one : report.left) {
        say(fmt::format("{}  {}: {}", painted(dry ? "DAMAGED" : "LEFT", Colour::red),
                        printable(one.object), printable(one.why)));
        for (const auto& hurt : one.hurts)
            say("        hurts " + printable(hurt));
    }
    if (!dry)
        say(fmt::format("{} written; nothing was deleted", human_size(report.stored_bytes)));
}

void tell_what_to_do(bool several) {
    tell(fmt::format("  do     take a backup now: what is still there on the machine heals the vault. "
                     "What is named above is lost in those\n         backups; others, older or newer, "
                     "have it: respawn find{}",
                     several ? "" : ". A second location would have mended it: docs/locations.md"));
}

Result<int> mend(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    if (const auto unlock = TRY(typed_unlock(context)))
        game.open_with(*unlock);
    const vault::RepairOptions options{ .depth = context.typed.has("--structure")
                                                     ? vault::CheckDepth::structure
                                                     : vault::CheckDepth::read_data,
                                        .dry_run = context.typed.has("--dry-run") };
    auto& places = *TRY(game.places());
    std::vector<run::Place*> asked;
    if (context.typed.has("--from"))
        asked.push_back(TRY(places.find(context.typed.value("--from"))));
    else
        for (auto& place : places.all())
            asked.push_back(&place);
    TRY(places.first(false)); // knows which vault it is
    (void)places.take_notices();
    for (auto* place : asked)
        (void)places.open(*place);
    Value::List list;
    bool left = false;
    const auto code = TRY(at_each(asked, [&](run::Place& place) -> Result<void> {
        places.let_read_others(place);
        std::optional<ProgressBar> bar("repairing " + place.name);
        const auto done =
            place.vault->repair(options, context.cancel, [&](std::uint64_t part, std::uint64_t total) {
                bar->show(part, total);
            });
        bar.reset();
        const auto& report = TRY(done);
        (void)place.vault->take_warnings();
        left = left || !report.left.empty();
        if (!options.dry_run)
            (void)run::note_proof(
                game.config(), place.url, options.depth,
                { .at = now(), .host = {}, .damaged = report.left.size(), .share = 1 });
        auto map = *json_of(report).map();
        map.emplace("location", place.name);
        list.push_back(std::move(map));
        if (!context.json && asked.size() > 1)
            say(painted(place.name, Colour::bold));
        if (!context.json)
            show(report, options.dry_run);
        return {};
    }));
    if (context.json)
        say_json(list);
    if (left && !options.dry_run)
        tell_what_to_do(places.all().size() > 1);
    return left ? 4 : code;
}

} // namespace

extern const Verb repair = {
    .name = "repair",
    .summary = "Mends what is damaged in the vault from what is sound elsewhere; deletes nothing.",
    .options = { { .name = "--from", .value = "NAME", .doc = "this location; all when left out" },
                 { .name = "--structure",
                   .doc = "look for what is missing alone, without reading every byte first" },
                 { .name = "--dry-run", .doc = "say what would be mended" },
                 { .name = "--key-file",
                   .value = "FILE",
                   .doc = "open the vault with this key, instead of the configuration's" } },
    .details =
        "Damaged and missing blobs are read from other locations, or from other packs of the same "
        "one, and written to new packs; lost\nindex files and snapshot files are made again from "
        "packs. It can be killed anywhere and run again. Exit 0 when all is mended, 4\nwhen "
        "something is left: it is named with what it hurts, and the next backup heals what is still "
        "there.",
    .example = "respawn repair --dry-run",
    .run = mend,
};

} // namespace respawn::cli
