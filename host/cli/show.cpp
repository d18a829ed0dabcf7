#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"

namespace respawn::cli {

namespace {

Result<int> show_snapshot(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    const auto snapshot = TRY(vault::find_snapshot(TRY(TRY(game.vault())->snapshots()),
                                                   context.typed.value("BACKUP", "latest"), {}, now()));
    if (context.json)
        say_json(to_value(snapshot));
    else
        for (const auto& line : detail_lines(snapshot))
            say(line);
    return 0;
}

} // namespace

extern const Verb show = {
    .name = "show",
    .summary = "Shows one backup: its components, tables, sizes and what went wrong.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME; latest when left "
                            "out" } },
    .example = "respawn show @yesterday",
    .run = show_snapshot,
};

} // namespace respawn::cli
