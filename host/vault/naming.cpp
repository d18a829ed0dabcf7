// Which snapshot a person means.
#include "base/text.h"
#include "vault/vault.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

std::string upper(std::string_view text) {
    std::string changed(text);
    for (auto& letter : changed)
        if (letter >= 'a' && letter <= 'z')
            letter = static_cast<char>(letter - 'a' + 'A');
    return changed;
}

// "01J8… (2026-11-21T10:34:05Z, plan daily: database, memory)"
std::string described(const Snapshot& snapshot) {
    std::vector<std::string> names;
    for (const auto& component : snapshot.components)
        names.push_back(component.success ? component.name : component.name + " failed");
    return fmt::format("{} ({}{}{}: {})", snapshot.id, to_rfc3339({ snapshot.started }, true),
                       snapshot.plan.empty() ? "" : ", plan ", snapshot.plan, join(names, ", "));
}

std::string described(const std::vector<const Snapshot*>& snapshots) {
    constexpr std::size_t most = 5;
    std::vector<std::string> lines;
    for (const auto* snapshot : snapshots)
        if (lines.size() < most)
            lines.push_back(described(*snapshot));
    if (snapshots.size() > most)
        lines.push_back(fmt::format("{} more", snapshots.size() - most));
    return join(lines, "; ");
}

Error no_snapshots() {
    return Error{ .kind = Kind::missing,
                  .why = "the vault holds no snapshot yet",
                  .fix = "make one with `respawn backup`" };
}

Result<Snapshot> by_prefix(const std::vector<Snapshot>& snapshots, std::string_view name) {
    const auto prefix = upper(name);
    std::vector<const Snapshot*> found;
    for (const auto& snapshot : snapshots)
        if (!prefix.empty() && snapshot.id.starts_with(prefix))
            found.push_back(&snapshot);
    if (found.size() == 1)
        return *found.front();
    if (found.empty())
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("no snapshot is named {}; the newest is {}", printable(name),
                                         described(snapshots.back())),
                      .fix = "`respawn list` shows all; name one by its id, the beginning of its id, "
                             "latest, latest:PLAN or @TIME" };
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} begins {} snapshots: {}", printable(name), found.size(),
                                     described(found)),
                  .fix = "type more of the id" };
}

// "database", or one table of it: "database/players".
bool holds(const Snapshot& snapshot, std::string_view need) {
    const auto slash = std::min(need.find('/'), need.size());
    const auto* component = snapshot.component(need.substr(0, slash));
    return component && component->holds(need.substr(std::min(slash + 1, need.size())));
}

// Nothing in particular is everything that it has: a snapshot of some tables stands for no whole one.
bool holds_all(const Snapshot& snapshot, const std::vector<std::string>& needs) {
    if (needs.empty())
        return std::ranges::all_of(
            snapshot.components, [](const ComponentRecord& component) { return component.holds(""); });
    return std::ranges::all_of(needs, [&](const std::string& need) { return holds(snapshot, need); });
}

// Why the newest of these is not meant, with what could be typed instead.
Error none_good(const std::vector<const Snapshot*>& asked, std::string_view name,
                const std::vector<std::string>& needs) {
    const auto& newest = *asked.back();
    const auto why = newest.good() ? fmt::format("lacks what is asked for ({})", join(needs, ", "))
                                   : std::string("is not complete");
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("{} means the newest good snapshot with all of what is asked, and "
                                     "none of {} is; the newest, {}, {}",
                                     printable(name), counted(asked.size(), "snapshot"),
                                     described(newest), why),
                  .fix = fmt::format("to use that one all the same, name it: {}", newest.id) };
}

Result<Snapshot> newest_good(const std::vector<const Snapshot*>& asked, std::string_view name,
                             const std::vector<std::string>& needs) {
    for (auto at = asked.rbegin(); at != asked.rend(); ++at)
        if ((*at)->good() && holds_all(**at, needs))
            return **at;
    return none_good(asked, name, needs);
}

Result<Snapshot> by_plan(const std::vector<Snapshot>& snapshots, std::string_view name,
                         std::string_view plan, const std::vector<std::string>& needs) {
    std::vector<const Snapshot*> asked;
    std::vector<std::string> plans;
    for (const auto& snapshot : snapshots) {
        if (plan.empty() || snapshot.plan == plan)
            asked.push_back(&snapshot);
        if (!snapshot.plan.empty() && std::ranges::find(plans, snapshot.plan) == plans.end())
            plans.push_back(snapshot.plan);
    }
    // Who names a plan of some tables, and nothing that is to be whole, means these.
    if (!plan.empty() && needs.empty() && !asked.empty() && asked.back()->good())
        return *asked.back();
    if (!asked.empty())
        return newest_good(asked, name, needs);
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("no snapshot was made by a plan {}", printable(plan)),
                  .fix = plans.empty()
                             ? "no snapshot here was made by a plan; say latest"
                             : fmt::format("plans that made snapshots: {}", join(plans, ", ")) };
}

Result<Snapshot> by_time(const std::vector<Snapshot>& snapshots, std::string_view name,
                         const std::vector<std::string>& needs, Moment present) {
    const auto moment = TRY(parse_moment(name.substr(1), present));
    std::vector<const Snapshot*> asked;
    for (const auto& snapshot : snapshots)
        if (snapshot.started <= moment.microseconds)
            asked.push_back(&snapshot);
    if (!asked.empty())
        return newest_good(asked, name, needs);
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("no snapshot is as old as {}; the oldest is {}",
                                     to_rfc3339(moment, true), described(snapshots.front())),
                  .fix = "`respawn list` shows all" };
}

} // namespace

Result<Snapshot> find_snapshot(const std::vector<Snapshot>& snapshots, std::string_view name,
                               const std::vector<std::string>& needs, Moment present) {
    constexpr std::string_view latest = "latest";
    if (snapshots.empty())
        return no_snapshots();
    if (name == latest)
        return by_plan(snapshots, name, {}, needs);
    if (name.starts_with("latest:"))
        return by_plan(snapshots, name, name.substr(latest.size() + 1), needs);
    if (name.starts_with('@'))
        return by_time(snapshots, name, needs, present);
    return by_prefix(snapshots, name);
}

} // namespace respawn::vault
