#include "cli/opening.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"

namespace respawn::cli {

namespace {

Result<int> show_snapshot(const Context& context) {
    auto source = TRY(open_vault(context));
    const auto snapshot = TRY(named_snapshot(source, context.typed.value("BACKUP")));
    const auto proofs = proofs_in(*source.vault);
    if (context.json)
        say_json(with_proof(to_value(snapshot), proofs));
    else
        for (const auto& line : detail_lines(snapshot, proofs))
            say(line);
    return 0;
}

} // namespace

extern const Verb show_verb = {
    .name = "show",
    .summary = "Shows one backup: its components, tables, sizes and what went wrong.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME; latest when left "
                            "out" } },
    .options = with_opening({}),
    .example = "respawn show @yesterday",
    .run = show_snapshot,
};

} // namespace respawn::cli
