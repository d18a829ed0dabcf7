#include "cli/opening.h"
#include "cli/output.h"
#include "cli/place_view.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// The vault is opened with that very key: nothing proves more.
Result<int> confirm(const Context& context) {
    const auto unlock = TRY(read_recovery_key(context.typed.value("--recovery-key-file", "-")));
    auto open = TRY(open_vault(context, config::Strictness::lenient, unlock));
    TRY(must_have_all_keys(open));
    const auto key = TRY(open.vault->confirm_recovery(unlock));
    const auto code = share_keys(open);
    if (context.json)
        say_json(Value::Map{ { "id", key.id }, { "confirmed", to_rfc3339(key.confirmed) } });
    else
        say(fmt::format("the recovery key {} opens the vault; it is noted as stored", key.id));
    return code;
}

} // namespace

extern const Verb keys_confirm_recovery = {
    .name = "keys confirm-recovery",
    .summary = "Shows that the recovery key was stored, by opening the vault with it.",
    .options = { { .name = "--recovery-key-file",
                   .value = "FILE",
                   .doc = "the recovery key, typed into a file; asked for when left out" },
                 { .name = "--location",
                   .value = "URL",
                   .doc = "the vault, when there is no configuration" } },
    .details = "Until then `respawn status` reminds of it.",
    .example = "respawn keys confirm-recovery",
    .run = confirm,
};

} // namespace respawn::cli
