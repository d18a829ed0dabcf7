// Deleting what no snapshot needs: marks, then pendings, then snapshots, then the packs that none needs
// (docs/vault-format.md: Pruning says why this loses nothing).
#include "vault/index_rewrite.h"
#include "vault/lease.h"
#include "vault/pending.h"
#include "vault/proof_files.h"
#include "vault/repack.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr auto lease_span = std::chrono::minutes(30);
constexpr auto longest_silence = std::chrono::hours(24) * 32; // without a backup or a cleanup
constexpr auto clock_slack = std::chrono::hours(24);
constexpr std::uint64_t least_copied = 1 << 30; // in one round; more needs more room for a while

class Prune {
  public:
    Prune(Vault::State& vault, const PruneOptions& options, const Cancellation& cancel)
        : vault_(vault), options_(options), cancel_(cancel) {}

    Result<PruneReport> look() {
        present_ = TRY(vault_.location->now());
        const auto all = TRY(survey(vault_, present_, options_.grace, cancel_));
        const PackUse use(all);
        const auto plan = make_plan(all, use, options_.max_unused, TRY(nobody_is_open()), UINT64_MAX);
        describe(all, plan);
        report_.deleted_packs = plan.unused.size() + plan.rewrite.size();
        report_.rewritten_packs = plan.rewrite.size();
        report_.copied_bytes = plan.copied_bytes;
        report_.freed_bytes = plan.freed_bytes;
        return std::move(report_);
    }

    Result<PruneReport> run() {
        lease_.emplace(TRY(Lease::take(vault_, lease_span)));
        auto done = work();
        // What went wrong may be that another one has taken over and works at the same files.
        if (const auto held = lease_->hold();
            !done.ok() && !held.ok() && held.error().kind == Kind::leased)
            done = held;
        auto released = lease_->release();
        if (!done.ok())
            return done.error();
        TRY(std::move(released));
        report_.freed_bytes -= std::min(report_.freed_bytes, written_);
        return std::move(report_);
    }

  private:
    // Each round works off the marks there are, then marks what is unused now. What has to be copied
    // first is copied in portions, so that a full disk needs little room to become emptier.
    Result<void> work() {
        present_ = lease_->now();
        if (!options_.despite_clock)
            TRY(clock_must_be_right());
        for (bool first = true;; first = false) {
            TRY(cancel_.check());
            TRY(settle_removals(vault_, *lease_));
            TRY(lease_->hold());
            auto marks = TRY(list_marks(vault_));
            for (const auto& file : marks.unreadable)
                TRY(vault_.location->remove(file));
            if (first)
                TRY(drop_proofs());
            if (!marks.list.empty() && !TRY(finish(marks)))
                return {};
            if (!TRY(mark_more(first)))
                return {};
        }
    }

    // Backups are given up and removed snapshots lose their data by this clock, so it must be sound.
    Result<void> clock_must_be_right() {
        auto known = lease_->last_used();
        const auto ids = TRY(vault_.snapshot_ids());
        if (!ids.empty())
            if (const auto newest = vault_.snapshot(ids.back()); newest.ok())
                known = std::max(known.value_or(Moment{}), Moment{ newest.value().started });
        if (!known || (present_ + clock_slack >= *known && present_ - *known <= longest_silence))
            return {};
        return Error{
            .kind = Kind::needs_person,
            .why = fmt::format("the clock of {} shows {}, and the vault was last used at {}",
                               vault_.location->url(), to_rfc3339(present_, true),
                               to_rfc3339(*known, true)),
            .fix =
                "nothing was deleted; set the clock right, or if it is: respawn prune --clock-is-right"
        };
    }

    // Of snapshots that can no longer be brought back, and those that a later one has replaced.
    Result<void> drop_proofs() {
        const auto ids = TRY(vault_.snapshot_ids());
        std::set<std::string> kept(ids.begin(), ids.end());
        for (const auto& tombstone : TRY(list_tombstones(vault_)))
            if (tombstone.removed + options_.grace > present_)
                kept.insert(tombstone.snapshot.id);
        return remove_old_proofs(vault_, kept);
    }

    Result<bool> nobody_is_open() {
        return std::ranges::none_of(TRY(list_pendings(vault_)), &Seen::open);
    }

    bool is_stale(const Seen& seen) const {
        return !seen.last_sign || present_ - *seen.last_sign > options_.patience ||
               *seen.last_sign - present_ > clock_slack;
    }

    // Ids of the backups that are in progress.
    Result<std::vector<std::string>> settle_pendings() {
        std::vector<std::string> open;
        for (const auto& seen : TRY(list_pendings(vault_))) {
            TRY(lease_->hold());
            if (!seen.begun || (seen.ending && !seen.ending->snapshot.empty()))
                TRY(forget(seen));
            else if (seen.open() && !is_stale(seen))
                open.push_back(seen.id);
            else if (seen.open() && TRY(give_up(vault_, seen.id)))
                report_.given_up.push_back(seen.id);
            else if (seen.open() && seen.ending_file.empty()) // it ended while this looked
                open.push_back(seen.id);
        }
        return open;
    }

    // The ending goes last: one that stands alone means nothing. That of a backup that was given up
    // stays for ever, so that it can never end otherwise.
    Result<void> forget(const Seen& seen) {
        if (seen.begun)
            TRY(complete(vault_, *seen.ending));
        for (const auto& file : seen.files)
            TRY(vault_.location->remove(file));
        return seen.ending_file.empty() ? Result<void>() : vault_.location->remove(seen.ending_file);
    }

    // False while backups are in progress that may not have seen these marks.
    Result<bool> finish(Marks& marks) {
        const auto open = TRY(settle_pendings());
        for (auto& mark : marks.list) {
            if (!mark.waits && !open.empty())
                TRY(write_waits(vault_, mark, open));
            for (const auto& pending : mark.waits.value_or(std::vector<std::string>()))
                if (std::ranges::find(open, pending) != open.end())
                    report_.waits_for.push_back(pending);
        }
        if (!report_.waits_for.empty())
            return false;
        const auto all = TRY(survey(vault_, present_, options_.grace, cancel_));
        auto doomed = marks.packs();
        TRY(spare_needed(all, doomed));
        TRY(rewrite_index(vault_, *lease_, doomed));
        TRY(delete_packs(all, doomed));
        for (const auto& mark : marks.list)
            for (auto file = mark.files.rbegin(); file != mark.files.rend(); ++file)
                TRY(vault_.location->remove(*file));
        return true;
    }

    // A pack stays when something needed lies in it and nowhere else, or elsewhere cannot be opened.
    Result<void> spare_needed(const Survey& all, PackSet& doomed) {
        std::map<std::uint32_t, std::vector<std::size_t>> relied_on; // pack: first rows
        const auto rows = all.reach.index().rows();
        const auto pack_of = [&](std::size_t row) {
            return all.reach.index().packs()[rows[row].pack].id;
        };
        for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
            end = all.reach.group_end(first);
            if (!all.reach.reached(first))
                continue;
            std::optional<std::size_t> elsewhere;
            bool in_doomed = false;
            for (auto at = first; at < end; ++at)
                if (doomed.contains(pack_of(at)))
                    in_doomed = true;
                else if (all.sound(rows[at]) && (!elsewhere || proven_.contains(pack_of(at))))
                    elsewhere = at;
            if (in_doomed && !elsewhere)
                spare(all, doomed, first, end);
            else if (in_doomed && !proven_.contains(pack_of(*elsewhere)))
                relied_on[rows[*elsewhere].pack].push_back(first);
        }
        for (const auto& [pack, firsts] : relied_on)
            TRY(prove(all, doomed, pack, firsts));
        return {};
    }

    static void spare(const Survey& all, PackSet& doomed, std::size_t first, std::size_t end) {
        const auto rows = all.reach.index().rows();
        for (auto at = first; at < end; ++at)
            doomed.erase(all.reach.index().packs()[rows[at].pack].id);
    }

    Result<void> prove(const Survey& all, PackSet& doomed, std::uint32_t number,
                       const std::vector<std::size_t>& firsts) {
        TRY(cancel_.check());
        const auto& pack = all.reach.index().packs()[number];
        const auto rows = all.reach.index().rows();
        const auto bytes = TRY(vault_.location->read(pack_name(pack.id), { 0, max_pack + 1 }));
        const auto contents =
            read_pack(TRY(vault_.keyring_for_pack(bytes)), vault_.identify, pack.id, bytes);
        std::unordered_set<ChunkId, IdHash> sound;
        if (contents.ok())
            sound = contents.value().sound_ids();
        auto bad = read_bad_places(vault_);
        for (const auto first : firsts)
            if (!sound.contains(rows[first].id)) {
                spare(all, doomed, first, all.reach.group_end(first));
                bad.emplace(pack.id, rows[first].id); // so that it is not relied on again
            }
        return write_bad_places(vault_, bad);
    }

    Result<void> delete_packs(const Survey& all, const PackSet& doomed) {
        for (const auto& pack : doomed) {
            const auto there = all.sizes.find(pack);
            if (there == all.sizes.end())
                continue;
            TRY(cancel_.check());
            TRY(lease_->hold());
            TRY(vault_.location->remove(pack_name(pack)));
            ++report_.deleted_packs;
            report_.freed_bytes += there->second;
        }
        return {};
    }

    void describe(const Survey& all, const PrunePlan& plan) {
        report_.snapshots = all.snapshots;
        report_.in_grace = all.in_grace;
        report_.packs = all.sizes.size();
        report_.used_bytes = plan.used_bytes;
        report_.unused_bytes = plan.unused_bytes;
    }

    // False when there is nothing more to delete. What is wholly unused goes first.
    Result<bool> mark_more(bool first) {
        const bool alone = TRY(settle_pendings()).empty();
        const auto all = TRY(survey(vault_, present_, options_.grace, cancel_));
        const PackUse use(all);
        std::uint64_t used = 0;
        for (std::uint32_t pack = 0; pack < all.reach.index().packs().size(); ++pack)
            used += use.live(pack);
        const auto plan =
            make_plan(all, use, options_.max_unused, alone, std::max(least_copied, used / 10));
        if (first)
            describe(all, plan);
        auto doomed = plan.unused;
        if (doomed.empty() && !plan.rewrite.empty()) {
            const auto repacked = TRY(repack(vault_, *lease_, all, use, plan.rewrite, cancel_));
            doomed = repacked.copied;
            proven_.insert(repacked.fresh.begin(), repacked.fresh.end());
            report_.rewritten_packs += repacked.copied.size();
            report_.copied_bytes += plan.copied_bytes;
            written_ += repacked.written_bytes;
            report_.notes.insert(report_.notes.end(), repacked.notes.begin(), repacked.notes.end());
        }
        if (doomed.empty())
            return false;
        TRY(lease_->hold());
        TRY(write_mark(vault_, doomed));
        return true;
    }

    Vault::State& vault_;
    const PruneOptions& options_;
    const Cancellation& cancel_;
    std::optional<Lease> lease_;
    Moment present_;
    PackSet proven_; // written and read back by this prune
    std::uint64_t written_ = 0;
    PruneReport report_;
};

} // namespace

Result<PruneReport> Vault::prune(const PruneOptions& options, const Cancellation& cancel) {
    const Alone alone(*state_);
    Prune prune(*state_, options, cancel);
    auto done = options.dry_run ? prune.look() : prune.run();
    return std::move(done).while_doing("prune the vault", url());
}

} // namespace respawn::vault
