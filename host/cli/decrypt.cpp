#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "crypto/sealed_stream.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<int> open_file(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    const io::Path from = context.typed.value("FILE");
    auto sealed = std::make_unique<io::FileSource>(
        TRY(io::FileSource::open(from).while_doing("decrypt", from.string())));
    const auto plain =
        crypto::opened_stream(TRY(game.vault())->purpose_key("export"), std::move(sealed));
    const io::Path to = context.typed.value("--to");
    TRY(io::create_durably(to, *plain).while_doing("decrypt", from.string()));
    say(fmt::format("wrote {}", printable(to.string())));
    return 0;
}

} // namespace

extern const Verb decrypt = {
    .name = "decrypt",
    .summary = "Opens a file that a runbook's respawn.encrypt wrote.",
    .arguments = { { .name = "FILE", .doc = "the encrypted file", .required = true } },
    .options = { { .name = "--to",
                   .value = "FILE",
                   .doc = "where to write the plain bytes; never overwrites" } },
    .details = "A file that was changed, cut short or extended is refused, and nothing is left behind.",
    .example = "respawn decrypt vault/exports/players.sql.zst.enc --to players.sql.zst",
    .run = open_file,
};

} // namespace respawn::cli
