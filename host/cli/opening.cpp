#include "cli/opening.h"

#include "base/text.h"
#include "cli/output.h"
#include "crypto/recovery_key.h"
#include "location/locations.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::string_view from_terminal = "-";

Error two_keys() {
    return Error{ .kind = Kind::usage,
                  .why = "more than one thing is named to open the vault with",
                  .fix = "give one of --key-file, --passphrase-file and --recovery-key-file" };
}

Result<Secret> asked_twice(std::string_view question) {
    auto first = TRY(ask_secret(question));
    const auto second = TRY(ask_secret("The same again: "));
    if (first.reveal() != second.reveal())
        return Error{ .kind = Kind::usage,
                      .why = "the two are not the same; nothing was changed",
                      .fix = "do it again" };
    return first;
}

// All that is needed is on the command line; nothing of this machine's is read or left.
Result<OpenVault> open_named(const std::string& url, const std::optional<vault::Unlock>& unlock) {
    if (!unlock)
        return Error{ .kind = Kind::usage,
                      .why = "without a configuration, what opens the vault has to be named",
                      .fix =
                          "give --key-file FILE, --passphrase-file FILE or --recovery-key-file FILE" };
    OpenVault open;
    open.folder = std::make_unique<io::TemporaryFolder>(TRY(io::TemporaryFolder::make()));
    open.own = TRY(vault::Vault::open(TRY(location::open_location(url)), *unlock, open.folder->path())
                       .while_doing("open the vault", url));
    open.vault = open.own.get();
    return open;
}

} // namespace

OpenVault::OpenVault(OpenVault&& other) noexcept
    : game(std::move(other.game)), folder(std::move(other.folder)), own(std::move(other.own)),
      vault(std::exchange(other.vault, nullptr)) {}

OpenVault::~OpenVault() {
    if (!vault)
        return;
    for (const auto& warning : vault->take_warnings())
        tell("warning: " + printable(warning) + "; to mend it: respawn repair");
}

std::vector<Option> with_opening(std::vector<Option> own) {
    const Option opening[] = {
        { .name = "--location",
          .value = "URL",
          .doc = "the vault, when there is no configuration (with one of the next three)" },
        { .name = "--from",
          .value = "NAME",
          .doc = "this location of the configuration; the first that answers when left out" },
        { .name = "--key-file",
          .value = "FILE",
          .doc = "open the vault with this key, instead of the configuration's" },
        { .name = "--passphrase-file",
          .value = "FILE",
          .doc = "open it with the passphrase in this file; - asks for it" },
        { .name = "--recovery-key-file",
          .value = "FILE",
          .doc = "open it with the recovery key in this file; - asks for it" },
    };
    own.insert(own.end(), std::begin(opening), std::end(opening));
    return own;
}

Result<vault::Unlock> read_passphrase(const std::string& file, bool twice) {
    if (file != from_terminal)
        return vault::Unlock::passphrase(
            TRY(crypto::read_secret_file(file).while_doing("read the passphrase", file)));
    constexpr std::string_view question = "Passphrase: ";
    return vault::Unlock::passphrase(TRY(twice ? asked_twice(question) : ask_secret(question)));
}

Result<vault::Unlock> read_recovery_key(const std::string& file) {
    const auto digits =
        TRY(file == from_terminal
                ? ask_lines("Recovery key, 17 groups of six digits, then an empty line:")
                : crypto::read_secret_file(file).while_doing("read the recovery key", file));
    return vault::Unlock::recovery(
        TRY(crypto::key_from_digits(digits.reveal()).while_doing("read the recovery key", file)));
}

Result<std::optional<vault::Unlock>> typed_unlock(const Context& context) {
    const auto& typed = context.typed;
    if (typed.has("--key-file") + typed.has("--passphrase-file") + typed.has("--recovery-key-file") > 1)
        return two_keys();
    std::optional<vault::Unlock> unlock;
    if (typed.has("--key-file"))
        unlock = TRY(crypto::read_key_file(typed.value("--key-file")));
    if (typed.has("--passphrase-file"))
        unlock = TRY(read_passphrase(typed.value("--passphrase-file")));
    if (typed.has("--recovery-key-file"))
        unlock = TRY(read_recovery_key(typed.value("--recovery-key-file")));
    return unlock;
}

Result<OpenVault> open_vault(const Context& context, config::Strictness strictness,
                             std::optional<vault::Unlock> instead) {
    auto unlock = instead ? std::move(instead) : TRY(typed_unlock(context));
    if (context.typed.has("--location") && context.typed.has("--from"))
        return Error{ .kind = Kind::usage,
                      .why = "--from names a location of the configuration, --location is without one",
                      .fix = "give one of them" };
    if (context.typed.has("--location"))
        return open_named(context.typed.value("--location"), unlock);
    OpenVault open;
    open.game = TRY(context.game(strictness));
    if (unlock)
        open.game->open_with(*unlock);
    auto* places = TRY(open.game->places());
    if (context.typed.has("--from"))
        TRY(places->only(context.typed.value("--from")));
    open.vault = TRY(open.game->vault());
    for (const auto& notice : places->take_notices())
        tell("warning: " + notice);
    return open;
}

Result<std::vector<vault::Snapshot>> readable_snapshots(OpenVault& source) {
    std::vector<vault::Damage> damaged;
    auto snapshots = TRY(source.vault->snapshots(&damaged));
    for (const auto& damage : damaged)
        tell(fmt::format("warning: {}: {}", damage.object, damage.why));
    return snapshots;
}

Result<vault::Snapshot> named_snapshot(OpenVault& source, std::string_view name,
                                       std::vector<std::string> needs,
                                       const std::vector<std::string>& paths) {
    const auto snapshots = TRY(readable_snapshots(source));
    for (const auto& path : paths) {
        const auto first = std::string(split(path, '/').front());
        if (std::ranges::any_of(snapshots, [&](const auto& one) { return one.component(first); }))
            needs.push_back(first);
    }
    return vault::find_snapshot(snapshots, name.empty() ? "latest" : name, needs, now());
}

} // namespace respawn::cli
