#include "run/own_state.h"

namespace respawn::run {

namespace {

config::ComponentSettings settings_component(const config::Config& config) {
    config::ComponentSettings settings{ .name = std::string(config::own_prefix) + "settings",
                                        .kind = "files" };
    settings.paths.push_back(config.file);
    for (const auto& folder : config.runbooks)
        if (io::is_there(folder))
            settings.paths.push_back(folder);
    if (!config.key_file.empty())
        settings.exclude.push_back(config.key_file.filename());
    return settings;
}

} // namespace

std::vector<config::ComponentSettings> own_state(const config::Config& config) {
    std::vector<config::ComponentSettings> own;
    if (io::is_there(config.file))
        own.push_back(settings_component(config));
    if (const auto journal = config.state / "journal.db"; io::is_there(journal))
        own.push_back(
            { .name = std::string(config::own_prefix) + "journal", .kind = "sqlite", .path = journal });
    return own;
}

bool is_own_state(std::string_view component) { return component.starts_with(config::own_prefix); }

} // namespace respawn::run
