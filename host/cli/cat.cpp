#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "component/paths.h"

#include <fmt/format.h>
#include <unistd.h>

namespace respawn::cli {

namespace {

struct StandardOut final : io::Sink {
    Result<void> write(std::string_view bytes) override {
        return io::write_fully(STDOUT_FILENO, bytes, "the answer");
    }
};

Result<int> write_out(const Context& context) {
    auto source = TRY(open_vault(context));
    const auto path = context.typed.value("PATH");
    const auto snapshot = TRY(named_snapshot(source, context.typed.value("BACKUP"), {}, { path }));
    const auto doing = "snapshot " + snapshot.id;
    const auto found =
        TRY(component::find_path(*source.vault, snapshot, path).while_doing("read", doing));
    if (found.entry.type != vault::EntryType::file)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} is no file", printable(found.path)),
                      .fix = fmt::format("respawn ls {} {} shows what it is", snapshot.id,
                                         printable(found.path)) };
    StandardOut out;
    TRY(component::read_file_at(*source.vault, found.entry, context.cancel, out)
            .while_doing("read " + printable(found.path), doing));
    return 0;
}

} // namespace

extern const Verb cat = {
    .name = "cat",
    .summary = "Writes one file of a backup to stdout, byte for byte.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME",
                     .required = true },
                   { .name = "PATH",
                     .doc = "COMPONENT/PATH, or the absolute path of the live file",
                     .required = true } },
    .options = with_opening({}),
    .details = "The image of a sqlite component is COMPONENT/NAME.db.",
    .example = "respawn cat latest memory/opt/wizards-of-x/elizaos/memory/ada.json",
    .run = write_out,
};

} // namespace respawn::cli
