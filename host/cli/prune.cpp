#include "base/text.h"
#include "cli/output.h"
#include "cli/place_view.h"

#include <charconv>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<double> share_of(std::string text) {
    if (text.ends_with('%'))
        text.pop_back();
    double percent = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (fault == std::errc() && end == text.data() + text.size() && percent >= 0 && percent <= 100)
        return percent / 100;
    return Error{ .kind = Kind::usage,
                  .why = "--max-unused takes a share from 0% to 100%",
                  .fix = "respawn prune --max-unused 5%" };
}

Value number(std::uint64_t count) { return static_cast<std::int64_t>(count); }
Value texts(const std::vector<std::string>& list) { return Value::List(list.begin(), list.end()); }

Value json_of(const vault::PruneReport& report, bool dry) {
    return Value::Map{ { "state", dry                        ? "dry_run"
                                  : report.waits_for.empty() ? "done"
                                                             : "waits" },
                       { "snapshots", number(report.snapshots) },
                       { "in_grace", number(report.in_grace) },
                       { "packs", number(report.packs) },
                       { "used_bytes", number(report.used_bytes) },
                       { "unused_bytes", number(report.unused_bytes) },
                       { "deleted_packs", number(report.deleted_packs) },
                       { "rewritten_packs", number(report.rewritten_packs) },
                       { "copied_bytes", number(report.copied_bytes) },
                       { "freed_bytes", number(report.freed_bytes) },
                       { "waits_for", texts(report.waits_for) },
                       { "given_up", texts(report.given_up) },
                       { "notes", texts(report.notes) } };
}

void show(const vault::PruneReport& report, bool dry) {
    for (const auto& note : report.notes)
        say(painted("note    " + printable(note), Colour::dim));
    if (!report.given_up.empty())
        say(fmt::format("gave up {} without a sign of life",
                        counted(report.given_up.size(), "backup")));
    if (report.packs > 0)
        say(fmt::format("{} in {}: {} needed, {} unused", counted(report.snapshots, "backup"),
                        counted(report.packs, "pack"), human_size(report.used_bytes),
                        human_size(report.unused_bytes)));
    if (report.in_grace > 0)
        say(fmt::format("{} of these were removed and can still be brought back", report.in_grace));
    say(fmt::format("{} {}{}, {} freed", dry ? "would delete" : "deleted",
                    counted(report.deleted_packs, "pack"),
                    report.rewritten_packs > 0
                        ? fmt::format(" ({} of them after copying {} out)", report.rewritten_packs,
                                      human_size(report.copied_bytes))
                        : "",
                    human_size(report.freed_bytes)));
    if (!report.waits_for.empty())
        say(fmt::format("{} in progress: the rest is deleted by the next prune when {} done",
                        counted(report.waits_for.size(), "backup"),
                        report.waits_for.size() == 1 ? "it is" : "they are"));
}

Result<int> prune_vault(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    const vault::PruneOptions options{ .max_unused =
                                           TRY(share_of(context.typed.value("--max-unused", "5%"))),
                                       .grace = game.config().grace,
                                       .dry_run = context.typed.has("--dry-run"),
                                       .despite_clock = context.typed.has("--clock-is-right") };
    const auto places = TRY(asked_places(context, game));
    Value::List list;
    const auto code = TRY(at_each(places, [&](run::Place& place) -> Result<void> {
        const auto report = TRY(place.vault->prune(options, context.cancel));
        auto map = *json_of(report, options.dry_run).map();
        if (places.size() > 1)
            map.emplace("location", place.name);
        list.push_back(std::move(map));
        if (!context.json && places.size() > 1)
            say(painted(place.name, Colour::bold));
        if (!context.json)
            show(report, options.dry_run);
        return {};
    }));
    if (context.json)
        say_json(places.size() > 1 ? Value(Value::Map{ { "locations", std::move(list) } })
                                   : list.front());
    return code;
}

} // namespace

extern const Verb prune = {
    .name = "prune",
    .summary = "Frees the space of what no backup needs any longer.",
    .options = { { .name = "--from", .value = "NAME", .doc = "this location; all when left out" },
                 { .name = "--max-unused",
                   .value = "SHARE",
                   .doc = "how much of the vault may stay unused, so that less is copied; 5%" },
                 { .name = "--dry-run", .doc = "say what would be deleted" },
                 { .name = "--clock-is-right", .doc = "go on although the location's clock jumped" } },
    .details =
        "Backups go on meanwhile and never wait for it. It can be interrupted anywhere; the next one\n"
        "continues. Backups that `cleanup` removed keep their data for the grace time (vault.grace).",
    .example = "respawn prune --dry-run",
    .run = prune_vault,
};

} // namespace respawn::cli
