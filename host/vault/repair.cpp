// Mending a vault from what is sound elsewhere: in other packs, at other locations, in copies. What is
// written is new; what is damaged stays where it is, and nobody relies on it any more.
#include "vault/check.h"
#include "vault/codec.h"
#include "vault/marks.h"
#include "vault/numbers.h"
#include "vault/reach.h"
#include "vault/removal.h"
#include "vault/snapshot_file.h"
#include "vault/writer_state.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

struct Tally {
    std::uint64_t mended = 0, left = 0;
};

class Repair {
  public:
    Repair(Vault::State& vault, const RepairOptions& options, const Cancellation& cancel,
           const Progress& progress)
        : vault_(vault), options_(options), cancel_(cancel), progress_(progress), found_{
              .vault = vault, .depth = options.depth, .cancel = cancel, .progress = progress
          } {}

    Result<RepairReport> run() {
        TRY(run_check(found_));
        report_.found = found_.report.damage.size();
        report_.left = found_.report.damage;
        if (found_.report.damage.empty())
            return std::move(report_);
        for (const auto& pack : vault_.index.packs())
            packs_before_.insert(pack.id);
        TRY(mend_keys());
        TRY(mend_blobs());
        TRY(mend_snapshot_files());
        TRY(bring_back_lost_snapshots());
        if (!options_.dry_run)
            TRY(look_again());
        return std::move(report_);
    }

  private:
    void say(std::string line) { report_.mended.push_back(std::move(line)); }

    bool names_damage(std::string_view prefix) const {
        return std::ranges::any_of(found_.report.damage, [&](const Damage& damage) {
            return damage.object.starts_with(prefix);
        });
    }

    // ---- slots and README ----

    // A damaged copy of the slots in force stays: the same keys are written as the next file.
    Result<void> mend_keys() {
        const auto name = slot_name(vault_.keyring.number);
        bool torn = false;
        for (const auto& file : { name, copy_of(name) }) {
            const auto bytes = vault_.location->read(file, { 0, max_document });
            torn = torn || (bytes.ok() && !slots_fault(bytes.value()).empty());
        }
        if (torn && !vault_.keyring.outdated)
            say(fmt::format("{}: the keys are written anew as {}", name,
                            slot_name(vault_.keyring.number + 1)));
        if (options_.dry_run)
            return {};
        if (torn && !vault_.keyring.outdated)
            TRY(vault_.change_keys([](Keyring&) -> Result<void> { return {}; }, true));
        return vault_.complete_creation(); // what is missing of them
    }

    // ---- blobs ----

    bool needs_writer() const {
        return !found_.faulty.empty() || !found_.needed_lost.empty() ||
               !found_.needed_unindexed.empty() || !found_.damaged_index.empty();
    }

    // Its packs are named by an index file before it ends; no snapshot ends it.
    Result<void> mend_blobs() {
        if (!needs_writer())
            return {};
        if (!options_.dry_run) {
            writer_ = std::make_unique<Writer::State>(vault_);
            TRY(writer_->begin());
            distrust_faulty();
        }
        TRY(mend_packs());
        TRY(mend_nowhere());
        TRY(mend_copies());
        say_index();
        if (!writer_)
            return {};
        TRY(writer_->flush());
        TRY(writer_->pending->end_without_snapshot());
        report_.blobs = writer_->counters.new_blobs;
        report_.stored_bytes = writer_->counters.stored_bytes;
        writer_.reset();
        return vault_.refresh_index();
    }

    // Also what is still sound in a faulty pack is written anew: then nobody needs the pack.
    void distrust_faulty() {
        for (const auto& row : vault_.index.rows()) {
            const auto& pack = vault_.index.packs()[row.pack].id;
            if (found_.faulty.contains(pack))
                writer_->damaged.emplace(pack, row.id);
        }
    }

    bool lies_elsewhere(const MergedIndex& index, const ChunkId& id) const {
        return std::ranges::any_of(index.find(id), [&](const IndexRow& other) {
            return !found_.faulty.contains(index.packs()[other.pack].id);
        });
    }

    // Blob by blob over the index as it was: reading may exchange the vault's.
    Result<void> mend_packs() {
        const auto index = vault_.index;
        std::unordered_map<PackId, Tally, IdHash> tallies;
        const auto rows = index.rows();
        for (const auto& row : rows) {
            const auto& pack = index.packs()[row.pack].id;
            if (!found_.faulty.contains(pack))
                continue;
            TRY(cancel_.check());
            auto& tally = tallies[pack];
            const bool had = writer_ ? writer_->has(row.id) : lies_elsewhere(index, row.id);
            const bool mended = had || TRY(mend(row.id, static_cast<BlobKind>(row.flags & 0xff)));
            const bool matters = mended || found_.needed_lost.contains(row.id);
            tally.mended += mended;
            tally.left += !mended && matters;
        }
        for (const auto& [pack, tally] : tallies)
            if (tally.mended > 0)
                say(fmt::format("{}: {} of {} {} sound elsewhere", pack_name(pack), tally.mended,
                                counted(tally.mended + tally.left, "blob"),
                                writer_ ? "written anew, or were" : "can be written anew, or are"));
        return {};
    }

    // Needed, and in no pack that the index names.
    Result<void> mend_nowhere() {
        std::uint64_t mended = 0;
        for (const auto& id : found_.needed_lost)
            if (vault_.index.find(id).empty() && !is_here(id))
                mended += TRY(mend_with_all_below(id));
        if (mended > 0)
            say(fmt::format("{} that no pack held: {}", counted(mended, "blob"),
                            writer_ ? "read from another location" : "another location has them"));
        return {};
    }

    bool is_here(const ChunkId& id) const {
        return writer_ ? writer_->has(id) : lies_elsewhere(vault_.index, id);
    }

    // What a lost tree or list names may be lost as well: nobody could look there before.
    Result<std::uint64_t> mend_with_all_below(const ChunkId& id) {
        std::vector<ChunkId> next{ id };
        std::uint64_t mended = 0;
        while (!next.empty()) {
            TRY(cancel_.check());
            const auto one = next.back();
            next.pop_back();
            if (is_here(one) || !tried_.insert(one).second)
                continue;
            const auto kind = kind_elsewhere(one);
            if (kind && TRY(mend(one, *kind, &next)))
                ++mended;
        }
        return mended;
    }

    // As another location's index says it.
    std::optional<BlobKind> kind_elsewhere(const ChunkId& id) {
        const std::scoped_lock lock(vault_.asking);
        for (auto& asked : vault_.siblings)
            if (auto* sibling = vault_.open_sibling(asked))
                if (const auto kind = sibling->kind_of(id))
                    return kind;
        return std::nullopt;
    }

    static Result<void> add_below(BlobKind kind, std::string_view plain, std::vector<ChunkId>& to) {
        if (kind == BlobKind::list)
            for (const auto& item : TRY(decode_list(plain))) {
                to.push_back(item.id);
                for (const auto& patch : item.patches)
                    to.push_back(patch.blob);
            }
        if (kind != BlobKind::tree)
            return {};
        const auto form = TRY(decode_tree_blob(plain));
        if (!form.inside) {
            to.push_back(form.content.root);
            return {};
        }
        for (const auto& entry : TRY(decode_entries_of(form.entries)))
            if (entry.type == EntryType::folder)
                to.push_back(entry.tree);
            else if (entry.type == EntryType::file && entry.content.size > 0)
                to.push_back(entry.content.root);
        return {};
    }

    // The documents of snapshots, which their files hold too.
    Result<void> mend_copies() {
        for (const auto& snapshot : found_.snapshots) {
            const auto document = encode_snapshot(snapshot);
            const auto copy = vault_.identify(BlobKind::snapshot, document);
            if (writer_ && found_.needed_lost.contains(copy) && !writer_->has(copy)) {
                TRY(writer_->put(BlobKind::snapshot, document));
                say(fmt::format("snapshot {}: its copy in a pack was written anew", snapshot.id));
            }
        }
        return {};
    }

    void say_index() {
        for (const auto& [file, damage] : found_.damaged_index)
            say(fmt::format("{}: what it said is written anew, from the packs themselves", file));
        if (!found_.needed_unindexed.empty() && found_.damaged_index.empty())
            say(fmt::format("index: {} that it did not name any more",
                            counted(found_.needed_unindexed.size(), "pack")));
    }

    // From here, else from a sibling. False when it is nowhere.
    Result<bool> mend(const ChunkId& id, BlobKind kind, std::vector<ChunkId>* below = nullptr) {
        auto bytes = vault_.own_blob(id, kind);
        if (!bytes.ok())
            bytes = vault_.ask_siblings(id, kind, bytes.error());
        if (!bytes.ok())
            return bytes.error().kind == Kind::cancelled ? Result<bool>(bytes.error()) : false;
        if (writer_)
            TRY(writer_->put(kind, bytes.value()));
        if (below)
            TRY(add_below(kind, bytes.value(), *below));
        return true;
    }

    // ---- snapshots ----

    Result<void> put(const std::string& name, const std::string& sealed) {
        io::TextSource source(sealed);
        auto created = vault_.location->create(name, source);
        return created.ok() || created.error().kind == Kind::conflict ? Result<void>() : created;
    }

    // A name is created only once: beside the damaged file stands its copy.
    Result<void> mend_snapshot_files() {
        for (const auto& damage : found_.report.damage) {
            const auto id = snapshot_from_name(damage.object);
            if (id.empty())
                continue;
            auto snapshot = vault_.snapshot_from_pack(id);
            if (!snapshot.ok())
                snapshot = ask_siblings_for(id, snapshot.error());
            if (!snapshot.ok())
                continue;
            say(fmt::format("{}: {} stands in its place", damage.object, snapshot_copy_name(id)));
            if (!options_.dry_run)
                TRY(put(snapshot_copy_name(id),
                        seal_snapshot_copy(vault_.keyring, id, encode_snapshot(snapshot.value()))));
        }
        return {};
    }

    Result<Snapshot> ask_siblings_for(const std::string& id, const Error& reason) {
        const std::scoped_lock lock(vault_.asking);
        for (auto& asked : vault_.siblings)
            if (auto* sibling = vault_.open_sibling(asked)) {
                const auto all = sibling->own_snapshots(nullptr);
                for (const auto& one : all.ok() ? all.value() : std::vector<Snapshot>())
                    if (one.id == id)
                        return one;
            }
        return reason;
    }

    // Snapshots whose files are gone without a tombstone: a gap in their writer's numbers says that
    // they had been finished, and their documents lie in packs.
    Result<void> bring_back_lost_snapshots() {
        if (!names_damage("snapshots"))
            return {};
        std::set<std::pair<std::string, std::uint64_t>> taken;
        auto highest = known_numbers(vault_);
        for (const auto& snapshot : found_.snapshots) {
            taken.emplace(snapshot.writer, snapshot.number);
            highest[snapshot.writer] = std::max(highest[snapshot.writer], snapshot.number);
        }
        const auto there = TRY(vault_.snapshot_ids());
        const auto index = vault_.index;
        for (const auto& row : index.rows()) {
            if (static_cast<BlobKind>(row.flags & 0xff) != BlobKind::snapshot)
                continue;
            const auto document = vault_.own_blob(row.id, BlobKind::snapshot);
            const auto snapshot =
                document.ok() ? decode_snapshot(document.value()) : Result<Snapshot>(document.error());
            if (!snapshot.ok() || std::ranges::binary_search(there, snapshot.value().id))
                continue;
            const auto& lost = snapshot.value();
            const auto known = highest.find(lost.writer);
            if (known != highest.end() && lost.number <= known->second &&
                !taken.contains({ lost.writer, lost.number }) && TRY(is_whole(lost))) {
                taken.emplace(lost.writer, lost.number);
                TRY(bring_back(lost, document.value()));
            }
        }
        return {};
    }

    // And was not removed on purpose.
    Result<bool> is_whole(const Snapshot& snapshot) {
        const auto tombstone =
            vault_.location->read(tombstone_name(snapshot.writer, snapshot.number), { 0, 1 });
        if (tombstone.ok() || tombstone.error().kind != Kind::missing)
            return tombstone.ok() ? Result<bool>(false) : tombstone.error();
        Reach reach(vault_, cancel_);
        const auto walked = reach.add(snapshot);
        if (!walked.ok() && walked.error().kind == Kind::cancelled)
            return walked.error();
        return walked.ok();
    }

    Result<void> bring_back(const Snapshot& snapshot, const std::string& document) {
        say(fmt::format("{}: the file was lost; it is made again from its copy in a pack",
                        snapshot_name(snapshot.id)));
        if (options_.dry_run)
            return {};
        return put(snapshot_name(snapshot.id), seal_snapshot(vault_.keyring, snapshot.id, document));
    }

    // ---- what is left ----

    // What was sound before is not read again; what is new is, every byte of it.
    Result<void> look_again() {
        Check again{ .vault = vault_,
                     .depth = CheckDepth::structure,
                     .cancel = cancel_,
                     .progress = progress_,
                     .known_faults = &found_.faulty,
                     .known_packs = &packs_before_ };
        TRY(run_check(again));
        report_.left = std::move(again.report.damage);
        auto bad = read_bad_places(vault_);
        bad.insert(again.bad.begin(), again.bad.end());
        return write_bad_places(vault_, bad);
    }

    Vault::State& vault_;
    const RepairOptions& options_;
    const Cancellation& cancel_;
    const Progress& progress_;
    Check found_;
    PackSet packs_before_;
    std::unordered_set<ChunkId, IdHash> tried_;
    std::unique_ptr<Writer::State> writer_;
    RepairReport report_;
};

} // namespace

Result<RepairReport> Vault::repair(const RepairOptions& options, const Cancellation& cancel,
                                   const Progress& progress) {
    const Alone alone(*state_);
    return Repair(*state_, options, cancel, progress).run().while_doing("repair the vault", url());
}

} // namespace respawn::vault
