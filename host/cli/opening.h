// The vault that a verb works on: the configuration's, or one that is named on the command line; and
// what opens it: what the configuration says, or a key, passphrase or recovery key named instead.
#pragma once

#include "cli/verb.h"
#include "vault/vault.h"

namespace respawn::cli {

struct OpenVault {
    std::optional<run::Game> game;               // with a configuration
    std::unique_ptr<io::TemporaryFolder> folder; // without one: for the cache
    std::unique_ptr<vault::Vault> own;
    vault::Vault* vault = nullptr;

    OpenVault() = default;
    OpenVault(OpenVault&& other) noexcept;
    OpenVault& operator=(OpenVault&&) = delete;
    // Warns of what was read from another location, because it was missing or damaged here.
    ~OpenVault();
};

// The options of a verb that opens a vault, behind its own.
std::vector<Option> with_opening(std::vector<Option> own);

// What --key-file, --passphrase-file or --recovery-key-file name; nothing when none is given,
// Kind::usage when several are. FILE "-" asks on the terminal.
Result<std::optional<vault::Unlock>> typed_unlock(const Context& context);
// The passphrase or recovery key in a file, or asked for.
Result<vault::Unlock> read_passphrase(const std::string& file, bool twice = false);
Result<vault::Unlock> read_recovery_key(const std::string& file);

// `instead`: opened with this, whatever the options say.
Result<OpenVault> open_vault(const Context& context,
                             config::Strictness strictness = config::Strictness::lenient,
                             std::optional<vault::Unlock> instead = {});

// The snapshot that was named, "latest" when none was: with these components, and those that the paths
// begin with. A damaged snapshot is a warning.
Result<vault::Snapshot> named_snapshot(OpenVault& source, std::string_view name,
                                       std::vector<std::string> needs = {},
                                       const std::vector<std::string>& paths = {});
// All that can be read; a warning for each that cannot.
Result<std::vector<vault::Snapshot>> readable_snapshots(OpenVault& source);

} // namespace respawn::cli
