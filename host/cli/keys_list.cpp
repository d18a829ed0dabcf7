#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

std::string slot_state(const vault::KeySlot& key) {
    if (key.opened)
        return "opened it now";
    if (key.kind == vault::SlotKind::recovery && key.confirmed.microseconds == 0)
        return "NOT CONFIRMED";
    return "";
}

Value key_value(const vault::KeySlot& key) {
    const bool recovery = key.kind == vault::SlotKind::recovery;
    return Value::Map{ { "id", key.id },
                       { "kind", name_of(key.kind) },
                       { "label", key.label },
                       { "created", to_rfc3339(key.created) },
                       { "opened", key.opened },
                       { "confirmed", recovery ? Value(key.confirmed.microseconds != 0) : Value() } };
}

Result<int> list_keys(const Context& context) {
    const auto open = TRY(open_vault(context, config::Strictness::lenient));
    const auto keys = open.vault->keys();
    if (context.json) {
        Value::List list;
        for (const auto& key : keys)
            list.push_back(key_value(key));
        say_json(list);
        return 0;
    }
    Table table({ "id", "kind", "label", "created", "" });
    for (const auto& key : keys)
        table.add({ key.id, std::string(name_of(key.kind)), printable(key.label),
                    to_rfc3339(key.created, true), slot_state(key) });
    say(table.text());
    return 0;
}

} // namespace

extern const Verb keys_list = {
    .name = "keys list",
    .summary = "Lists what opens the vault: key files, passphrases, recovery keys.",
    .options = with_opening({}),
    .details = "The secrets themselves are in no vault and cannot be shown.",
    .example = "respawn keys list",
    .run = list_keys,
};

} // namespace respawn::cli
