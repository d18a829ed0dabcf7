#include "vault/check.h"

#include "base/text.h"
#include "vault/marks.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_hurts = 20;

// Read anew from the location: what is cached proves nothing.
Result<void> check_index(Check& check) {
    TRY(check.vault.rebuild_index());
    for (const auto& file : check.named("index/"))
        check.report.bytes_read += file.size;
    for (const auto& damage : check.vault.index_damage)
        check.damaged_index[damage.object] = check.damage(
            damage.object, damage.why + "; what it says was found from the packs themselves");
    return {};
}

Result<void> say_unindexed(Check& check) {
    const auto marked = TRY(list_marks(check.vault)).packs();
    std::uint64_t needed = 0;
    for (const auto& pack : check.vault.recovered)
        if (marked.contains(pack.record.id))
            check.note(fmt::format("{} is about to be deleted by prune", pack_name(pack.record.id)));
        else if (check.needed_unindexed.contains(pack.record.id))
            ++needed;
        else
            check.note(fmt::format("{} was left by a backup that did not finish; the next one uses it",
                                   pack_name(pack.record.id)));
    if (needed > 0 && check.vault.index_damage.empty())
        check.damage("index", fmt::format("{} that snapshots need stand in no index file: one is lost; "
                                          "the next backup writes it again",
                                          counted(needed, "pack")));
    return {};
}

void say_unnamed_hurts(Check& check) {
    for (const auto& [damage, count] : check.unnamed_hurts)
        check.report.damage[damage].hurts.push_back(fmt::format("and {} more", count));
}

void drop_settled(Check& check) {
    std::vector<Damage> left;
    for (std::size_t i = 0; i < check.report.damage.size(); ++i)
        if (!check.settled.contains(i))
            left.push_back(std::move(check.report.damage[i]));
    check.report.damage = std::move(left);
}

// What was known of packs that were not read this time stays known.
Result<void> remember_bad(Check& check) {
    if (check.depth != CheckDepth::read_data)
        return {};
    auto bad = check.bad;
    if (check.share < 1)
        for (const auto& known : read_bad_places(check.vault))
            if (!check.read_packs.contains(known.first))
                bad.insert(known);
    return write_bad_places(check.vault, bad);
}

} // namespace

Result<void> run_check(Check& check) {
    check.files = TRY(check.vault.location->list(""));
    for (const auto& file : check.files)
        check.total += file.size;
    TRY(check_fixtures(check));
    TRY(check_index(check));
    TRY(check_packs(check));
    TRY(check_snapshots(check));
    TRY(check_reachable(check));
    TRY(say_unindexed(check));
    TRY(settle_superseded(check));
    say_unnamed_hurts(check);
    drop_settled(check);
    return remember_bad(check);
}

Result<std::string> Check::read(std::string_view name, std::size_t limit) {
    TRY(cancel.check());
    auto bytes = TRY(vault.location->read(name, { 0, limit }));
    count_read(bytes.size());
    return bytes;
}

void Check::count_read(std::uint64_t bytes) {
    report.bytes_read += bytes;
    if (progress)
        progress(std::min(report.bytes_read, total), total);
}

std::size_t Check::damage(std::string object, std::string why) {
    report.damage.push_back({ std::move(object), std::move(why), {} });
    return report.damage.size() - 1;
}

void Check::hurts(std::size_t where, std::string what) {
    auto& list = report.damage[where].hurts;
    if (std::ranges::find(list, what) != list.end())
        return;
    if (list.size() < most_hurts)
        list.push_back(std::move(what));
    else
        ++unnamed_hurts[where];
}

std::vector<location::Entry> Check::named(std::string_view prefix) const {
    std::vector<location::Entry> found;
    for (const auto& file : files)
        if (file.name.starts_with(prefix))
            found.push_back(file);
    return found;
}

Result<CheckReport> Vault::check(CheckDepth depth, const Cancellation& cancel, const Progress& progress,
                                 double share, std::vector<Snapshot> elsewhere) {
    const Alone alone(*state_);
    Check check{ .vault = *state_,
                 .depth = depth,
                 .cancel = cancel,
                 .progress = progress,
                 .share = share,
                 .elsewhere = std::move(elsewhere) };
    TRY(run_check(check).while_doing("check the vault", url()));
    return std::move(check.report);
}

} // namespace respawn::vault
