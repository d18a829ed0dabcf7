#include "cli/place_view.h"

#include "base/text.h"
#include "cli/output.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

using PlaceList = std::vector<run::Place*>;

Result<PlaceList> named_or_all(run::Places& places, const std::vector<std::string>& names) {
    PlaceList list;
    for (const auto& name : names)
        list.push_back(TRY(places.find(name)));
    if (names.empty())
        for (auto& place : places.all())
            list.push_back(&place);
    return list;
}

// Those that answer; one that was named has to.
Result<PlaceList> readable(run::Places& places, const PlaceList& list, bool named) {
    PlaceList found;
    for (auto* place : list) {
        const auto opened = places.open(*place);
        if (opened.ok())
            found.push_back(place);
        else if (named)
            return opened.error();
    }
    return found;
}

void show(const std::vector<run::PlaceReport>& reports) {
    for (const auto& report : reports)
        if (!report.error)
            say(fmt::format("{}: {}{}", report.name,
                            report.report.copied.empty()
                                ? "has every backup"
                                : fmt::format("{} copied, {} written",
                                              counted(report.report.copied.size(), "backup"),
                                              human_size(report.report.stored_bytes)),
                            report.report.healed > 0
                                ? fmt::format(", {} healed", counted(report.report.healed, "blob"))
                                : ""));
}

Error one_location() {
    return Error{ .kind = Kind::usage,
                  .why = "there is nothing to copy from or to: the configuration names one location",
                  .fix = "add a second one under vault: locations: (docs/locations.md)" };
}

Result<int> replicate_all(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    auto& places = *TRY(game.places());
    TRY(places.first(false));
    for (const auto& notice : places.take_notices())
        tell("warning: " + notice);
    const auto from = context.typed.values("--from");
    const auto sources = TRY(readable(places, TRY(named_or_all(places, from)), !from.empty()));
    const auto targets = TRY(named_or_all(places, context.typed.values("--to")));
    if (places.all().size() < 2 || (sources.size() == 1 && targets == sources))
        return one_location();
    std::optional<ProgressBar> bar("copying");
    const auto reports =
        places.copy(sources, targets, context.typed.has("--anew"), context.cancel,
                    [&](std::uint64_t done, std::uint64_t total) { bar->show(done, total); });
    bar.reset();
    TRY(context.cancel.check());
    if (context.json) {
        Value::List list;
        for (const auto& report : reports)
            list.push_back(to_value(report));
        say_json(list);
    } else {
        show(reports);
    }
    return tell_shortfalls(reports) ? 0 : 3;
}

} // namespace

extern const Verb replicate = {
    .name = "replicate",
    .summary = "Copies to each location of the vault what it lacks and another one has.",
    .options = { { .name = "--from",
                   .value = "NAME",
                   .doc = "copy from this location; from all when left out; may be repeated",
                   .repeated = true },
                 { .name = "--to",
                   .value = "NAME",
                   .doc = "copy to this location; to all when left out; may be repeated",
                   .repeated = true },
                 { .name = "--anew",
                   .doc = "fill a location whose vault is gone, as if it were a new one" } },
    .details = "Backups that were removed at a location are not brought back to it. What a location is "
               "known to have lost is\ncopied too. Killed at any moment, the next one goes on. Exit 3 "
               "when a location could not be brought up to date.",
    .example = "respawn replicate --to nas",
    .run = replicate_all,
};

} // namespace respawn::cli
