#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "location/locations.h"
#include "vault/rotate.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// Where the vault is and which file is exchanged, with a configuration or without one.
struct Target {
    OpenVault open; // with a configuration: the first location that answers
    std::optional<config::Config> config;
    std::unique_ptr<io::TemporaryFolder> folder;
    vault::VaultPlace place;
    io::Path file; // empty: a passphrase opens it
};

// The one that answers first is changed; the others follow. A rotation that was killed between two of
// its steps may have left the first behind with keys that the file on disk does not open yet.
Result<void> find_place(const Context& context, Target& target) {
    target.open.game.emplace(*target.config);
    if (!target.file.empty())
        target.open.game->open_with(TRY(crypto::read_key_file(target.file)));
    auto& places = *TRY(target.open.game->places());
    if (context.typed.has("--from"))
        TRY(places.only(context.typed.value("--from")));
    TRY(places.first(false));
    for (const auto& notice : places.take_notices())
        tell("warning: " + notice);
    TRY(must_have_all_keys(target.open));
    const auto& first = *places.first_place();
    target.place = { first.location, first.cache };
    return {};
}

Result<Target> find_target(const Context& context) {
    Target target;
    target.file = context.typed.value("--key-file");
    if (!context.typed.has("--location")) {
        target.config = TRY(context.config(config::Strictness::lenient));
        if (target.file.empty())
            target.file = target.config->key_file;
        TRY(find_place(context, target));
        return target;
    }
    if (target.file.empty())
        return Error{ .kind = Kind::usage,
                      .why = "without a configuration, the key file has to be named",
                      .fix = "respawn keys rotate --location URL --key-file FILE" };
    target.folder = std::make_unique<io::TemporaryFolder>(TRY(io::TemporaryFolder::make()));
    target.place = { TRY(location::open_location(context.typed.value("--location"))),
                     target.folder->path() };
    return target;
}

Result<int> rotate_passphrase(const Context& context, OpenVault& open) {
    auto* vault = TRY(open.game->vault());
    TRY(vault->begin_epoch());
    const auto code = share_keys(open);
    if (context.json)
        say_json(Value::Map{ { "epoch", std::int64_t{ vault->epoch() } }, { "old_key", Value() } });
    else
        say(fmt::format("what is stored from now on is sealed under epoch {}", vault->epoch()));
    tell("The passphrase stays as it is. To exchange it: respawn keys add --passphrase-file-new -, "
         "change "
         "where the\nconfiguration takes it from, then: respawn keys remove ID");
    return code;
}

// Results in the journal are sealed under the key file too: remembered anew while the vault is there.
Result<void> refresh_state(const config::Config& config) {
    run::Game game(config);
    TRY(game.journal());
    return {};
}

Result<int> rotate(const Context& context) {
    auto target = TRY(find_target(context));
    if (target.file.empty())
        return rotate_passphrase(context, target.open);
    const auto done = TRY(vault::rotate_key_file({ target.place }, target.file)
                              .while_doing("rotate the key", target.file.string()));
    const auto code = share_keys(target.open);
    if (target.config && target.file == target.config->key_file)
        TRY(refresh_state(*target.config));
    if (context.json) {
        say_json(
            Value::Map{ { "id", done.slot },
                        { "epoch", std::int64_t{ done.epoch } },
                        { "old_key", done.old_key.empty() ? Value() : Value(done.old_key.string()) } });
        return code;
    }
    say(fmt::format("{} holds a new key; what is stored from now on is sealed under epoch {}",
                    printable(target.file.string()), done.epoch));
    if (done.old_key.empty())
        say("a rotation that was killed earlier was finished");
    else
        say(fmt::format("the old key is kept in {}: it opens copies of the vault made before today",
                        printable(done.old_key.string())));
    tell("Copy the new key file to every machine that uses this vault, and to where you keep it safe, "
         "now.");
    return code;
}

} // namespace

extern const Verb keys_rotate = {
    .name = "keys rotate",
    .summary = "Exchanges the key file for a new one and begins a new epoch of keys.",
    .options = { { .name = "--location",
                   .value = "URL",
                   .doc = "the vault, when there is no configuration (with --key-file)" },
                 { .name = "--from",
                   .value = "NAME",
                   .doc = "change this location's keys alone; the others follow otherwise" },
                 { .name = "--key-file",
                   .value = "FILE",
                   .doc = "the key file to exchange, instead of the configuration's" } },
    .details = "Quick: no backup is written anew. Killed at any moment, the key file on disk opens the "
               "vault; the same command finishes it.\nWhoever has the old key can still read what was "
               "stored before.",
    .example = "respawn keys rotate",
    .run = rotate,
};

} // namespace respawn::cli
