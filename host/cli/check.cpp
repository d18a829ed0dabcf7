#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "run/proofs.h"

#include <charconv>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

Value json_of(const vault::CheckReport& report) {
    Value::List damage;
    for (const auto& found : report.damage)
        damage.push_back(
            Value::Map{ { "object", found.object },
                        { "why", found.why },
                        { "hurts", Value::List(found.hurts.begin(), found.hurts.end()) } });
    return Value::Map{ { "snapshots", static_cast<std::int64_t>(report.snapshots) },
                       { "packs", static_cast<std::int64_t>(report.packs) },
                       { "blobs", static_cast<std::int64_t>(report.blobs) },
                       { "bytes_read", static_cast<std::int64_t>(report.bytes_read) },
                       { "pack_bytes", static_cast<std::int64_t>(report.pack_bytes) },
                       { "lately_read_bytes", static_cast<std::int64_t>(report.lately_read_bytes) },
                       { "damage", std::move(damage) },
                       { "notes", Value::List(report.notes.begin(), report.notes.end()) } };
}

void show(const vault::CheckReport& report) {
    for (const auto& note : report.notes)
        say(painted("note    " + printable(note), Colour::dim));
    for (const auto& found : report.damage) {
        say(fmt::format("{}  {}: {}", painted("DAMAGE", Colour::red), printable(found.object),
                        printable(found.why)));
        if (found.hurts.empty())
            say("        no backup needs it");
        for (const auto& hurt : found.hurts)
            say("        hurts " + printable(hurt));
    }
    const auto what = fmt::format("{}, {}, {}, {} read", counted(report.snapshots, "snapshot"),
                                  counted(report.packs, "pack"), counted(report.blobs, "blob"),
                                  human_size(report.bytes_read));
    if (report.pack_bytes > 0)
        say(fmt::format("{} of {} in packs were read within the last 30 days",
                        human_size(report.lately_read_bytes), human_size(report.pack_bytes)));
    say(report.damage.empty()
            ? fmt::format("the vault is sound: {}", what)
            : fmt::format("{} found: {}", counted(report.damage.size(), "damaged object"), what));
}

// "10%" of --read-data=10%; all without a share.
Result<double> asked_share(const Context& context) {
    auto text = context.typed.value("--read-data");
    if (text.empty())
        return 1.0;
    if (text.ends_with('%'))
        text.pop_back();
    double percent = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (fault == std::errc() && end == text.data() + text.size() && percent > 0 && percent <= 100)
        return percent / 100;
    return Error{ .kind = Kind::usage,
                  .why = "--read-data takes a share above 0% and up to 100%",
                  .fix = "respawn check --read-data=10%" };
}

struct Asked {
    vault::CheckDepth depth = vault::CheckDepth::structure;
    double share = 1;
};

Result<vault::CheckReport> check_one(const Context& context, const Asked& asked, vault::Vault& vault,
                                     const std::string& name, std::vector<vault::Snapshot> elsewhere) {
    ProgressBar bar(name.empty() ? "checking" : "checking " + name);
    return vault.check(
        asked.depth, context.cancel,
        [&](std::uint64_t done, std::uint64_t total) { bar.show(done, total); }, asked.share,
        std::move(elsewhere));
}

// What the other locations have is behind here, not gone.
std::vector<vault::Snapshot> known_elsewhere(run::Places& places, const run::Place& here) {
    std::vector<vault::Snapshot> known;
    for (auto& place : places.all()) {
        if (&place == &here || !places.open(place).ok())
            continue;
        std::vector<vault::Damage> damaged;
        auto list = place.vault->own_snapshots(&damaged);
        if (list.ok())
            known.insert(known.end(), list.value().begin(), list.value().end());
    }
    return known;
}

void remember(const run::Game& game, const run::Place& place, const Asked& asked,
              const vault::CheckReport& report) {
    const double lately = report.pack_bytes == 0 ? 1
                                                 : static_cast<double>(report.lately_read_bytes) /
                                                       static_cast<double>(report.pack_bytes);
    // Where state has no room, the check has said what it found.
    (void)run::note_proof(game.config(), place.url, asked.depth,
                          { .at = now(),
                            .host = {},
                            .damaged = report.damage.size(),
                            .share = asked.share < 1 ? lately : 1 });
}

struct Checked {
    std::string name, url;
    std::optional<Error> error;
    vault::CheckReport report;
};

Result<std::vector<Checked>> check_places(const Context& context, const Asked& asked) {
    auto game = TRY(context.game(config::Strictness::strict));
    if (const auto unlock = TRY(typed_unlock(context)))
        game.open_with(*unlock);
    const auto places = TRY(asked_places(context, game));
    std::vector<Checked> all;
    for (auto* place : places) {
        Checked checked{ .name = place->name, .url = place->url, .error = place->error, .report = {} };
        if (!place->error) {
            checked.report =
                TRY(check_one(context, asked, *place->vault, places.size() > 1 ? place->name : "",
                              known_elsewhere(*TRY(game.places()), *place)));
            remember(game, *place, asked, checked.report);
        }
        all.push_back(std::move(checked));
    }
    return all;
}

Result<std::vector<Checked>> check_all(const Context& context, const Asked& asked) {
    if (!context.typed.has("--location"))
        return check_places(context, asked);
    auto source = TRY(open_vault(context, config::Strictness::strict));
    auto report = TRY(check_one(context, asked, *source.vault, "", {}));
    return std::vector<Checked>{
        { .name = {}, .url = source.vault->url(), .error = {}, .report = std::move(report) }
    };
}

// One location has the report's own shape; several stand in a list.
Value json_of(const std::vector<Checked>& all) {
    if (all.size() == 1)
        return json_of(all.front().report);
    Value::List list;
    for (const auto& checked : all) {
        auto map = *json_of(checked.report).map();
        map.emplace("name", checked.name);
        map.emplace("url", checked.url);
        map.emplace("error", checked.error ? Value(checked.error->why) : Value());
        list.push_back(std::move(map));
    }
    return Value::Map{ { "locations", std::move(list) } };
}

void show(const std::vector<Checked>& all) {
    for (const auto& checked : all) {
        if (all.size() > 1)
            say(fmt::format("{} ({})", painted(checked.name, Colour::bold), printable(checked.url)));
        if (checked.error)
            tell(fmt::format("warning: location {} was not checked: {}", checked.name,
                             printable(checked.error->why)));
        else
            show(checked.report);
    }
}

Result<int> check_vault(const Context& context) {
    const auto share = TRY(asked_share(context));
    const Asked asked{ .depth = context.typed.has("--read-data") ? vault::CheckDepth::read_data
                                                                 : vault::CheckDepth::structure,
                       .share = share };
    const auto all = TRY(check_all(context, asked));
    if (context.json)
        say_json(json_of(all));
    else
        show(all);
    bool damaged = false, reached = true;
    for (const auto& checked : all) {
        damaged = damaged || !checked.report.damage.empty();
        reached = reached && !checked.error;
    }
    if (all.size() == 1 && all.front().error)
        return *all.front().error;
    if (damaged)
        tell("  do     mend it from what is sound elsewhere: respawn repair; take a new backup of what "
             "is "
             "named now");
    return damaged ? 4 : reached ? 0 : 3;
}

} // namespace

extern const Verb check = {
    .name = "check",
    .summary = "Checks the vault: that everything every backup needs is there, and with --read-data "
               "every byte of it.",
    .options = with_opening(
        { { .name = "--read-data",
            .value = "SHARE",
            .doc = "read, decrypt and compare every byte of every file of the vault; with =10% such a "
                   "share of the packs, those read longest ago first",
            .value_optional = true } }),
    .details = "Every location is checked, or the one that --from names. Exit 4 when something is "
               "damaged; each damaged object\nis named with what it hurts. Leftovers of killed backups "
               "are notes, not faults. Exit 3 when a location did not answer.",
    .example = "respawn check --read-data",
    .run = check_vault,
};

} // namespace respawn::cli
