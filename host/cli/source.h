// The vault a verb reads: the configuration's, or with --location and --key-file one by itself, when
// all else is lost.
#pragma once

#include "cli/verb.h"

namespace respawn::cli {

struct Source {
    std::optional<run::Game> game;              // with a configuration
    std::unique_ptr<io::TemporaryFolder> cache; // without one
    std::unique_ptr<vault::Vault> opened;       // without one
    vault::Vault* vault = nullptr;
};

inline constexpr Option location_option = { .name = "--location",
                                            .value = "URL",
                                            .doc = "the vault, when there is no configuration "
                                                   "(with --key-file)" };
inline constexpr Option key_file_option = { .name = "--key-file",
                                            .value = "FILE",
                                            .doc = "the key, when there is no configuration" };

Result<Source> open_source(const Context& context,
                           config::Strictness strictness = config::Strictness::lenient);
// The snapshot that was named, "latest" when none was: with these components, and those that the paths
// begin with. A damaged snapshot is a warning.
Result<vault::Snapshot> named_snapshot(Source& source, std::string_view name,
                                       std::vector<std::string> needs = {},
                                       const std::vector<std::string>& paths = {});
// All that can be read; a warning for each that cannot.
Result<std::vector<vault::Snapshot>> readable_snapshots(Source& source);

} // namespace respawn::cli
