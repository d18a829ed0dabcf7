#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/path_view.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

using component::PathEntry;

std::string name_of(const PathEntry& found, bool with_path) {
    auto name = printable(with_path ? found.path : found.entry.name);
    if (found.entry.type == vault::EntryType::folder)
        return painted(name + "/", Colour::bold);
    return found.entry.type == vault::EntryType::symlink
               ? fmt::format("{} -> {}", name, printable(found.entry.target))
               : name;
}

void show(const PathEntry& found, std::size_t owner_width, bool with_path) {
    say(fmt::format("{}  {:<{}}  {:>12}  {}  {}", mode_text(found.entry),
                    printable(owner_text(found.entry)), owner_width, found.entry.size,
                    time_text(found.entry.modified_ns), name_of(found, with_path)));
}

void show_all(const std::vector<PathEntry>& inside) {
    std::size_t width = 0;
    for (const auto& found : inside)
        width = std::max(width, owner_text(found.entry).size());
    for (const auto& found : inside)
        show(found, width, false);
}

Result<void> list_all_below(const Context& context, OpenVault& source, const vault::Snapshot& snapshot,
                            const PathEntry& folder) {
    JsonArray array;
    TRY(component::walk_below(*source.vault, snapshot, folder, context.cancel,
                              [&](const PathEntry& found) -> Result<bool> {
                                  if (context.json)
                                      array.add(to_value(found));
                                  else
                                      show(found, 16, true);
                                  return true;
                              }));
    if (context.json)
        array.finish();
    return {};
}

Result<int> list_path(const Context& context) {
    auto source = TRY(open_vault(context));
    const auto snapshot =
        TRY(named_snapshot(source, context.typed.value("BACKUP"), {}, context.typed.values("PATH")));
    const auto found = TRY(component::find_path(*source.vault, snapshot, context.typed.value("PATH"))
                               .while_doing("list", "snapshot " + snapshot.id));
    std::vector<PathEntry> inside = { found };
    if (found.entry.type == vault::EntryType::folder) {
        if (context.typed.has("--recursive")) {
            TRY(list_all_below(context, source, snapshot, found));
            return 0;
        }
        inside = TRY(component::entries_in(*source.vault, snapshot, found));
    }
    if (!context.json) {
        show_all(inside);
        return 0;
    }
    JsonArray array;
    for (const auto& entry : inside)
        array.add(to_value(entry));
    array.finish();
    return 0;
}

} // namespace

extern const Verb ls = {
    .name = "ls",
    .summary = "Lists what a backup holds, like ls -l: mode, owner, size, time, name.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME; latest when left "
                            "out" },
                   { .name = "PATH",
                     .doc = "COMPONENT/PATH, or the absolute path of the live file; the components "
                            "when left out" } },
    .options = with_opening({ { .name = "--recursive", .doc = "everything below, with whole paths" } }),
    .example = "respawn ls @yesterday memory/opt/wizards-of-x",
    .run = list_path,
};

} // namespace respawn::cli
