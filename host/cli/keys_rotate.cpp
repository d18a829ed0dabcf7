#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "location/locations.h"
#include "vault/rotate.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// Where the vault is and which file is exchanged, with a configuration or without one.
struct Target {
    std::optional<config::Config> config;
    std::unique_ptr<io::TemporaryFolder> folder;
    vault::VaultPlace place;
    io::Path file; // empty: a passphrase opens it
};

Result<Target> find_target(const Context& context) {
    Target target;
    target.file = context.typed.value("--key-file");
    if (!context.typed.has("--location")) {
        target.config = TRY(context.config(config::Strictness::lenient));
        if (target.file.empty())
            target.file = target.config->key_file;
        target.place = { TRY(location::open_location(target.config->locations.front().url)),
                         target.config->state / "cache" };
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

Result<int> rotate_passphrase(const Context& context, const config::Config& config) {
    run::Game game(config);
    auto* vault = TRY(game.vault());
    TRY(vault->begin_epoch());
    if (context.json)
        say_json(Value::Map{ { "epoch", std::int64_t{ vault->epoch() } }, { "old_key", Value() } });
    else
        say(fmt::format("what is stored from now on is sealed under epoch {}", vault->epoch()));
    tell("The passphrase stays as it is. To exchange it: respawn keys add --passphrase-file-new -, "
         "change "
         "where the\nconfiguration takes it from, then: respawn keys remove ID");
    return 0;
}

// Results in the journal are sealed under the key file too: remembered anew while the vault is there.
Result<void> refresh_state(const config::Config& config) {
    run::Game game(config);
    TRY(game.journal());
    return {};
}

Result<int> rotate(const Context& context) {
    const auto target = TRY(find_target(context));
    if (target.file.empty())
        return rotate_passphrase(context, *target.config);
    const auto done = TRY(vault::rotate_key_file({ target.place }, target.file)
                              .while_doing("rotate the key", target.file.string()));
    if (target.config && target.file == target.config->key_file)
        TRY(refresh_state(*target.config));
    if (context.json) {
        say_json(
            Value::Map{ { "id", done.slot },
                        { "epoch", std::int64_t{ done.epoch } },
                        { "old_key", done.old_key.empty() ? Value() : Value(done.old_key.string()) } });
        return 0;
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
    return 0;
}

} // namespace

extern const Verb keys_rotate = {
    .name = "keys rotate",
    .summary = "Exchanges the key file for a new one and begins a new epoch of keys.",
    .options = { { .name = "--location",
                   .value = "URL",
                   .doc = "the vault, when there is no configuration (with --key-file)" },
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
