#include "run/readiness.h"

#include "base/text.h"

#include <cstdlib>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

namespace respawn::run {

namespace {

constexpr std::uint64_t least_disk = 512 << 20, least_memory = 256 << 20;
constexpr double most_load = 4; // processes that wait, for each processor

// Room for twice what the largest of the last backups stored: more than a usual one takes.
Result<std::uint64_t> wanted_bytes(Game& game) {
    constexpr std::size_t last = 10;
    auto vault = game.vault();
    if (!vault.ok())
        return vault.error().kind == Kind::missing ? Result<std::uint64_t>(least_disk) : vault.error();
    const auto snapshots = TRY(vault.value()->snapshots());
    std::uint64_t most = 0;
    for (auto i = snapshots.size() - std::min(last, snapshots.size()); i < snapshots.size(); ++i)
        most = std::max(most, snapshots[i].stored_bytes);
    return std::max(least_disk, 2 * most);
}

// The nearest folder above that is there: a vault that is yet to be made will lie in it.
io::Path existing(io::Path folder) {
    while (!folder.empty() && folder.has_relative_path() && !io::is_there(folder))
        folder = folder.parent_path();
    return folder;
}

Looked look_at_disk(const std::string& subject, const io::Path& folder, std::uint64_t wanted) {
    const auto free = io::free_space(existing(folder));
    if (!free.ok())
        return { subject, free.error().why, "see that the folder is there and can be read" };
    return { subject, fmt::format("{} free, {} wanted", human_size(free.value()), human_size(wanted)),
             free.value() >= wanted ? "" : "free some space: respawn cleanup, then respawn prune" };
}

std::uint64_t available_memory() {
    const auto pages = ::sysconf(_SC_AVPHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
    const auto told = io::read_file("/proc/meminfo", 64 << 10);
    constexpr std::string_view name = "MemAvailable:";
    if (told.ok())
        if (const auto at = told.value().find(name); at != std::string::npos)
            return std::strtoull(told.value().c_str() + at + name.size(), nullptr, 10) * 1024;
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size);
}

Looked look_at_memory() {
    const auto memory = available_memory();
    return { "memory", fmt::format("{} available", human_size(memory)),
             memory >= least_memory ? ""
                                    : "end what takes it, or take the backup from another machine" };
}

Looked look_at_load() {
    double load = 0;
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    if (::getloadavg(&load, 1) != 1)
        return { "load", "not told by this system", "" };
    return { "load", fmt::format("{:.1f} on {}", load, counted(cores, "processor")),
             load <= most_load * cores ? "" : "see what the machine is busy with (top)" };
}

Looked look_at_component(Game& game, const config::ComponentSettings& settings) {
    const auto subject = "component " + settings.name;
    const auto component = game.component(settings.name);
    if (!component.ok())
        return { subject, component.error().why, component.error().fix };
    if (!database::is_database(settings))
        return { subject, "ok", "" };
    auto database = game.database(settings.name);
    const auto lacks = database.ok() ? database.value()->find_lacks()
                                     : Result<std::vector<database::Lack>>(database.error());
    if (!lacks.ok())
        return { subject, lacks.error().why,
                 lacks.error().fix.empty() ? "respawn config check" : lacks.error().fix };
    if (!lacks.value().empty())
        return { subject, lacks.value().front().why, lacks.value().front().fix };
    return { subject, "up, and it may be read", "" };
}

} // namespace

Result<std::vector<Looked>> look_before_backup(Game& game, const std::vector<std::string>& components) {
    constexpr std::string_view folder = "file://";
    std::vector<Looked> all;
    const auto wanted = TRY(wanted_bytes(game));
    for (const auto& location : game.config().locations)
        if (location.url.starts_with(folder))
            all.push_back(
                look_at_disk("disk of " + location.name, location.url.substr(folder.size()), wanted));
    all.push_back(look_at_disk("disk of the state", game.config().state, least_disk));
    all.push_back(look_at_memory());
    all.push_back(look_at_load());
    for (const auto& settings : game.config().components)
        if (components.empty() || std::ranges::find(components, settings.name) != components.end())
            all.push_back(look_at_component(game, settings));
    return all;
}

} // namespace respawn::run
