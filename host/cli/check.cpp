#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"

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
    say(report.damage.empty()
            ? fmt::format("the vault is sound: {}", what)
            : fmt::format("{} found: {}", counted(report.damage.size(), "damaged object"), what));
}

Result<int> check_vault(const Context& context) {
    auto source = TRY(open_vault(context, config::Strictness::strict));
    const auto depth =
        context.typed.has("--read-data") ? vault::CheckDepth::read_data : vault::CheckDepth::structure;
    std::optional<ProgressBar> bar("checking");
    const auto report =
        source.vault->check(depth, context.cancel,
                            [&](std::uint64_t done, std::uint64_t total) { bar->show(done, total); });
    bar.reset();
    const auto& found = TRY(report);
    if (context.json)
        say_json(json_of(found));
    else
        show(found);
    if (!found.damage.empty())
        tell("  do     restore what is named from another location or an older backup; take a new "
             "backup of it now");
    return found.damage.empty() ? 0 : 4;
}

} // namespace

extern const Verb check = {
    .name = "check",
    .summary = "Checks the vault: that everything every backup needs is there, and with --read-data "
               "every byte of it.",
    .options =
        with_opening({ { .name = "--read-data",
                         .doc = "read, decrypt and compare every byte of every file of the vault" } }),
    .details = "Exit 4 when something is damaged; each damaged object is named with what it hurts. "
               "Leftovers of killed backups are notes, not faults.",
    .example = "respawn check --read-data",
    .run = check_vault,
};

} // namespace respawn::cli
