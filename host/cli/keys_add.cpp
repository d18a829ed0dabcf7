#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "crypto/recovery_key.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// What is added, and its digits when it is a recovery key: they are shown once and kept nowhere.
struct Fresh {
    vault::Unlock unlock;
    Secret digits;
};

Result<crypto::Key> key_in(const io::Path& file) {
    return io::is_there(file) ? crypto::read_key_file(file) : crypto::make_key_file(file);
}

Result<void> must_name_one(const Typed& typed) {
    if (typed.has("--key-file-new") + typed.has("--passphrase-file-new") + typed.has("--recovery") == 1)
        return {};
    return Error{ .kind = Kind::usage,
                  .why = "one key can be added at a time, and one has to be named",
                  .fix = "give --key-file-new FILE, --passphrase-file-new FILE or --recovery" };
}

Result<Fresh> fresh_secret(const Typed& typed) {
    if (typed.has("--key-file-new")) {
        const auto file = typed.value("--key-file-new");
        return Fresh{ TRY(key_in(file).while_doing("make the key", file)), {} };
    }
    if (typed.has("--passphrase-file-new"))
        return Fresh{ TRY(read_passphrase(typed.value("--passphrase-file-new"), true)), {} };
    const auto key = crypto::Key::random();
    return Fresh{ vault::Unlock::recovery(key), Secret("recovery key", crypto::recovery_digits(key)) };
}

void show_recovery(const Secret& digits) {
    tell("This is the recovery key. It opens the vault when every other key is lost. It is shown this "
         "once:");
    tell("");
    say(digits.reveal());
    tell("");
    tell("Write it down or print it, and keep it apart from the machines: a safe, a bank. Then show "
         "that "
         "it was\nstored, by typing it in again: respawn keys confirm-recovery");
}

Result<int> add(const Context& context) {
    TRY(must_name_one(context.typed));
    auto open = TRY(open_vault(context, config::Strictness::lenient));
    TRY(must_have_all_keys(open));
    const auto fresh = TRY(fresh_secret(context.typed));
    const auto key =
        TRY(open.vault->add_key(fresh.unlock, context.typed.value("--label", operator_name())));
    const auto code = share_keys(open);
    if (context.json) {
        say_json(Value::Map{
            { "id", key.id },
            { "kind", name_of(key.kind) },
            { "label", key.label },
            { "recovery_key", fresh.digits.empty() ? Value() : Value(fresh.digits.reveal()) } });
        return code;
    }
    tell(fmt::format("added the {} {} ({})", name_of(key.kind), key.id, printable(key.label)));
    if (!fresh.digits.empty())
        show_recovery(fresh.digits);
    return code;
}

} // namespace

extern const Verb keys_add = {
    .name = "keys add",
    .summary = "Adds what opens the vault as well: another key file, a passphrase, a recovery key.",
    .options = with_opening(
        { { .name = "--key-file-new",
            .value = "FILE",
            .doc = "add this key file; it is made when it is not there" },
          { .name = "--passphrase-file-new",
            .value = "FILE",
            .doc = "add the passphrase in this file; - asks for it, twice" },
          { .name = "--recovery", .doc = "add a recovery key: digits for paper, shown once" },
          { .name = "--label",
            .value = "TEXT",
            .doc = "whose it is or where it lies; your login name when left out" } }),
    .details =
        "A passphrase never stands on the command line. A recovery key goes to stdout, the rest to "
        "stderr.",
    .example = "respawn keys add --recovery --label \"the safe in the office\"",
    .run = add,
};

} // namespace respawn::cli
