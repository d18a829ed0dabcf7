#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/place_view.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<bool> meant(const vault::KeySlot& key, const Context& context) {
    if (!key.opened || context.typed.has("--yes"))
        return true;
    tell(fmt::format("{} is what opened the vault now. Without it you need another of its keys.",
                     key.id));
    return ask("Take it out all the same?", "the same command with --yes");
}

Result<int> remove(const Context& context) {
    auto open = TRY(open_vault(context, config::Strictness::lenient));
    const auto key = TRY(open.vault->find_key(context.typed.value("ID")));
    if (!TRY(meant(key, context))) {
        tell("nothing was changed");
        return 5;
    }
    TRY(must_have_all_keys(open));
    TRY(open.vault->remove_key(key.id));
    const auto code = share_keys(open);
    if (context.json)
        say_json(Value::Map{ { "id", key.id }, { "epoch", std::int64_t{ open.vault->epoch() } } });
    else
        say(fmt::format("took out the {} {} ({}); what is stored from now on it never opens",
                        name_of(key.kind), key.id, printable(key.label)));
    tell("What was stored before, whoever has that key and a copy of the vault can still read.");
    return code;
}

} // namespace

extern const Verb keys_remove = {
    .name = "keys remove",
    .summary = "Takes a key out: what is stored from now on it never opens.",
    .arguments = { { .name = "ID",
                     .doc = "as `keys list` shows it; its beginning will do",
                     .required = true } },
    .options =
        with_opening({ { .name = "--yes", .doc = "also when it is the one that opened the vault" } }),
    .details = "The last key that surely opens the vault is refused; a recovery key counts once it is "
               "confirmed.",
    .example = "respawn keys remove 3f9c",
    .run = remove,
};

} // namespace respawn::cli
