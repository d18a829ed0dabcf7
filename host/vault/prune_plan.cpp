#include "vault/prune_plan.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

// A damaged index file is no trouble once every pack stands in another one.
Result<void> must_have_sound_index(Vault::State& vault) {
    if (vault.index_damage.empty())
        return {};
    PackSet named;
    for (const auto& pack : vault.index.packs())
        named.insert(pack.id);
    const auto packs = TRY(vault.location->list("packs/"));
    if (std::ranges::all_of(packs, [&](const location::Entry& entry) {
            const auto pack = pack_from_name(entry.name);
            return !pack.ok() || named.contains(pack.value());
        }))
        return {};
    return Error{ .kind = Kind::corrupt,
                  .why = fmt::format("{}: {}; what it names might be taken for unused",
                                     vault.index_damage.front().object, vault.index_damage.front().why),
                  .fix =
                      "nothing is deleted from a damaged vault: respawn check, then respawn repair" };
}

// Share of a pack that is unused; compared without dividing.
bool more_unused(const PackUse& use, std::uint32_t a, std::uint32_t b) {
    const auto whole = [&](std::uint32_t pack) {
        return static_cast<double>(use.live(pack) + use.unused(pack));
    };
    return static_cast<double>(use.unused(a)) * whole(b) >
           static_cast<double>(use.unused(b)) * whole(a);
}

// Its data may be gone already: then the clock has gone back since.
Result<void> add_removed(Survey& all, const Tombstone& tombstone) {
    const auto whole = all.reach.add(tombstone.snapshot);
    if (!whole.ok() && !tombstone.undone &&
        (whole.error().kind == Kind::corrupt || whole.error().kind == Kind::missing))
        return {};
    TRY(whole);
    if (!tombstone.undone) {
        ++all.snapshots;
        ++all.in_grace;
    }
    return {};
}

} // namespace

bool Survey::sound(const IndexRow& row) const {
    const auto& pack = reach.index().packs()[row.pack];
    const auto there = sizes.find(pack.id);
    return there != sizes.end() && there->second == pack.size &&
           (bad.empty() || !bad.contains({ pack.id, row.id }));
}

// A backup that ends while this looks has its index files there before its snapshot.
Result<Survey> survey(Vault::State& vault, Moment present, Duration grace, const Cancellation& cancel) {
    const auto ids = TRY(vault.snapshot_ids());
    const auto tombstones = TRY(list_tombstones(vault));
    TRY(vault.refresh_index());
    TRY(must_have_sound_index(vault));
    Survey all{ .reach = Reach(vault, cancel), .sizes = {}, .bad = read_bad_places(vault) };
    for (const auto& entry : TRY(vault.location->list("packs/")))
        if (const auto id = pack_from_name(entry.name); id.ok())
            all.sizes.emplace(id.value(), entry.size);
    const auto removed = removed_ids(tombstones);
    for (const auto& id : ids) {
        if (removed.contains(id))
            continue;
        const auto snapshot = vault.snapshot(id);
        if (!snapshot.ok() && snapshot.error().kind == Kind::missing) // then it has a tombstone by now
            continue;
        TRY(all.reach.add(TRY(snapshot)));
        ++all.snapshots;
    }
    for (const auto& tombstone : tombstones)
        if (tombstone.undone || present < tombstone.removed + grace)
            TRY(add_removed(all, tombstone));
    return all;
}

PackUse::PackUse(const Survey& survey) : survey_(survey) {
    const auto& reach = survey.reach;
    const auto rows = reach.index().rows();
    const auto packs = reach.index().packs().size();
    total_.resize(packs);
    any_live_.resize(packs);
    live_.resize(packs);
    blobs_.resize(packs);
    for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
        end = reach.group_end(first);
        for (auto at = first; at < end; ++at) {
            total_[rows[at].pack] += rows[at].length;
            any_live_[rows[at].pack] += reach.reached(first) ? rows[at].length : 0;
        }
    }
    for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
        end = reach.group_end(first);
        if (!reach.reached(first))
            continue;
        const auto& kept = rows[kept_row(first, end)];
        live_[kept.pack] += kept.length;
        ++blobs_[kept.pack];
    }
}

// A sound place in the pack that is needed most, so that what an interrupted prune has copied stays
// copied.
std::size_t PackUse::kept_row(std::size_t first, std::size_t end) const {
    const auto rows = survey_.reach.index().rows();
    const auto better = [&](std::size_t a, std::size_t b) {
        const bool sound_a = survey_.sound(rows[a]), sound_b = survey_.sound(rows[b]);
        if (sound_a != sound_b)
            return sound_a;
        const auto pack_a = rows[a].pack, pack_b = rows[b].pack;
        return static_cast<double>(any_live_[pack_a]) * static_cast<double>(total_[pack_b]) >
               static_cast<double>(any_live_[pack_b]) * static_cast<double>(total_[pack_a]);
    };
    auto best = first;
    for (auto at = first + 1; at < end; ++at)
        if (better(at, best))
            best = at;
    return best;
}

namespace {

void add_rewrites(PrunePlan& plan, const Survey& survey, const PackUse& use, double max_unused,
                  std::uint64_t most_copied) {
    const auto packs = survey.reach.index().packs();
    std::vector<std::uint32_t> candidates;
    std::uint64_t left = 0; // unused bytes in packs that are needed
    for (std::uint32_t pack = 0; pack < packs.size(); ++pack)
        if (use.live(pack) > 0 && use.unused(pack) > 0 && survey.sizes.contains(packs[pack].id)) {
            candidates.push_back(pack);
            left += use.unused(pack);
        }
    std::ranges::sort(candidates, [&](auto a, auto b) { return more_unused(use, a, b); });
    const auto allowed = [&] { return max_unused * static_cast<double>(plan.used_bytes + left); };
    for (const auto pack : candidates) {
        const bool enough = static_cast<double>(left) <= allowed();
        const bool full = !plan.rewrite.empty() && plan.copied_bytes + use.live(pack) > most_copied;
        if (enough || full)
            break;
        plan.rewrite.push_back(pack);
        plan.copied_bytes += use.live(pack);
        plan.freed_bytes += use.unused(pack);
        left -= use.unused(pack);
    }
}

} // namespace

PrunePlan make_plan(const Survey& survey, const PackUse& use, double max_unused, bool leftovers,
                    std::uint64_t most_copied) {
    PrunePlan plan;
    const auto packs = survey.reach.index().packs();
    PackSet indexed;
    for (std::uint32_t pack = 0; pack < packs.size(); ++pack) {
        indexed.insert(packs[pack].id);
        plan.used_bytes += use.live(pack);
        plan.unused_bytes += use.unused(pack);
        if (use.live_blobs(pack) > 0)
            continue;
        plan.unused.insert(packs[pack].id);
        const auto there = survey.sizes.find(packs[pack].id);
        plan.freed_bytes += there == survey.sizes.end() ? 0 : there->second;
    }
    for (const auto& [pack, size] : survey.sizes)
        if (leftovers && !indexed.contains(pack)) {
            plan.unused.insert(pack);
            plan.unused_bytes += size;
            plan.freed_bytes += size;
        }
    add_rewrites(plan, survey, use, max_unused, most_copied);
    return plan;
}

} // namespace respawn::vault
