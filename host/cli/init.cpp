#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

struct Chosen {
    io::Path folder, key, vault;
    std::string database; // path of a SQLite file, or empty
    std::string files;    // a folder, or empty
    std::string game;
};

std::string component_lines(const Chosen& chosen) {
    std::string lines;
    if (!chosen.database.empty())
        lines += fmt::format("  database: {{ kind: sqlite, path: \"{}\" }}\n", chosen.database);
    if (!chosen.files.empty())
        lines += fmt::format(
            "  files: {{ kind: files, paths: [\"{}\"], exclude: [\"*.tmp\", .git] }}\n", chosen.files);
    return lines;
}

std::string config_text(const Chosen& chosen) {
    return fmt::format(R"(# respawn.yaml: what is protected, where to, and how it comes back.
# docs/reference/configuration.md lists every key. Check it with: respawn config check

game: {}
environment: production

# The journal and caches. Keep it on a disk that survives a restart.
state: .respawn

vault:
  # 64 hex digits, mode 600. Without this key no backup can be read: keep a copy somewhere else.
  key_file: "{}"
  locations:
    - {{ name: local, url: "file://{}" }}

# What to protect: a SQLite database (`kind: sqlite`) or files and folders (`kind: files`).
components:
{}
# Named backups: respawn backup daily
plans:
  daily: {{ components: all, at: "02:00", keep: {{ daily: 7, weekly: 4, monthly: 12, yearly: 3 }} }}

# Where runbooks send messages: a file, or a webhook by reference: {{ kind: webhook, url: "${{env:WEBHOOK}}" }}
alerts:
  ops: {{ kind: file, path: .respawn/messages.jsonl }}

# A chain that runbooks may ask (JSON-RPC). Two endpoints of different owners are worth more than one.
# chains:
#   base: {{ urls: ["${{env:BASE_RPC}}"], confirmations: 12, addresses: {{ hot_wallet: "0x…", galleon_token: "0x…" }} }}
)",
                       chosen.game, chosen.key.string(),
                       std::filesystem::absolute(chosen.vault).lexically_normal().string(),
                       component_lines(chosen));
}

std::string guessed_game(const io::Path& folder) {
    std::string name;
    for (const char c : std::filesystem::absolute(folder).lexically_normal().filename().string())
        name += std::isalnum(static_cast<unsigned char>(c))
                    ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                    : '_';
    return name.empty() ? "game" : name;
}

// SQLite files begin with these 16 bytes (https://www.sqlite.org/fileformat.html).
bool is_sqlite(const io::Path& path) {
    const auto file = io::open_to_read(path);
    const auto head = file.ok() ? io::read_at(file.value().number(), 0, 16, path)
                                : Result<std::string>(std::string());
    return head.ok() && head.value() == std::string_view("SQLite format 3\0", 16);
}

Result<Chosen> choose(const Context& context) {
    Chosen chosen{ .folder = context.typed.value("FOLDER", "."),
                   .key = "respawn.key",
                   .vault = context.typed.value("--vault"),
                   .database = {},
                   .files = {},
                   .game = {} };
    chosen.game = context.typed.value("--game", guessed_game(chosen.folder));
    if (chosen.vault.empty())
        chosen.vault = chosen.folder / "vault";
    for (const auto& path : context.typed.values("--protect")) {
        const auto absolute = std::filesystem::absolute(path).lexically_normal();
        if (!io::is_there(absolute))
            return Error{ .kind = Kind::missing,
                          .why = fmt::format("{} is not there", printable(absolute.string())),
                          .fix = "name a SQLite file or a folder" };
        if (is_sqlite(absolute) && chosen.database.empty())
            chosen.database = absolute.string();
        else if (chosen.files.empty())
            chosen.files = absolute.string();
        else
            return Error{ .kind = Kind::usage,
                          .why = "init takes one database and one folder",
                          .fix = "add further components to the file it writes" };
    }
    if (chosen.database.empty() && chosen.files.empty())
        return Error{ .kind = Kind::usage,
                      .why = "nothing was named to protect",
                      .fix = "respawn init --protect GAME.db --protect FOLDER" };
    return chosen;
}

Result<int> write_files(const Context& context) {
    const auto chosen = TRY(choose(context));
    const auto file = chosen.folder / "respawn.yaml";
    TRY(io::make_folder(chosen.folder));
    if (io::is_there(file))
        return Error{ .kind = Kind::conflict,
                      .what = "begin here",
                      .on = file.string(),
                      .why = "there is a configuration already, and init overwrites nothing",
                      .fix = "edit it, or name another folder: respawn init FOLDER" };
    const auto key = chosen.folder / chosen.key;
    if (!io::is_there(key))
        TRY(crypto::make_key_file(key).while_doing("make the key", key.string()));
    else
        TRY(crypto::read_key_file(key));
    TRY(io::create_durably(file, config_text(chosen), 0600)
            .while_doing("write the configuration", file.string()));
    TRY(config::read_config(file, config::Strictness::strict));
    say(fmt::format("wrote {} and {}", printable(file.string()), printable(key.string())));
    say("");
    say("Store the key somewhere else now, safe and apart from the backups: a password manager, a "
        "printed page.");
    say(fmt::format(
        "Whoever has the key and the vault can restore; without the key nobody can, not even us.\n  {}",
        printable(std::filesystem::absolute(key).lexically_normal().string())));
    say("");
    const auto where =
        chosen.folder == "." ? std::string() : fmt::format(" --config {}", printable(file.string()));
    say(fmt::format("Next:  respawn config check{0}\n       respawn backup{0}", where));
    return 0;
}

} // namespace

extern const Verb init = {
    .name = "init",
    .summary = "Writes a configuration that works, and makes the key.",
    .arguments = { { .name = "FOLDER",
                     .doc = "where to write respawn.yaml and respawn.key; here when left out" } },
    .options = { { .name = "--protect",
                   .value = "PATH",
                   .doc = "a SQLite file or a folder to protect; may be repeated",
                   .repeated = true },
                 { .name = "--vault",
                   .value = "FOLDER",
                   .doc = "where backups go; FOLDER/vault when left out" },
                 { .name = "--game", .value = "NAME", .doc = "the game's name" } },
    .details = "An existing respawn.key is used as it is (what `openssl rand -hex 32` writes does "
               "too); an existing respawn.yaml is never overwritten.",
    .example =
        "respawn init --protect /opt/game/game.db --protect /opt/game/config --vault /var/backups/game",
    .run = write_files,
};

} // namespace respawn::cli
