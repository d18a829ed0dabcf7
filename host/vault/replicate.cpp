// Copying what one location of a vault has and another lacks: for each snapshot what it reaches, in the
// order in which it lies in packs, under a pending as any backup; then the snapshot itself.
#include "vault/codec.h"
#include "vault/frames.h"
#include "vault/key_files.h"
#include "vault/marks.h"
#include "vault/numbers.h"
#include "vault/reach.h"
#include "vault/removal.h"
#include "vault/snapshot_file.h"
#include "vault/writer_state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_rows_at_once = 1 << 19; // held in memory at a time: 16 MiB

bool is_damage(const Error& error) {
    return error.kind == Kind::corrupt || error.kind == Kind::missing;
}

class Replication {
  public:
    Replication(Vault::State& from, Vault::State& to, const Cancellation& cancel,
                const Progress& progress)
        : from_(from), to_(to), cancel_(cancel), progress_(progress) {}

    Result<ReplicateReport> run() {
        TRY(from_.refresh_index());
        const auto removed = removed_ids(TRY(list_tombstones(to_)));
        const auto gone = removed_ids(TRY(list_tombstones(from_)));
        const auto there = TRY(to_.snapshot_ids());
        TRY(copy_tombstones(there));
        start_anew();
        const bool heals = TRY(has_losses());
        for (const auto& id : TRY(from_.snapshot_ids())) {
            if (gone.contains(id) || removed.contains(id))
                continue;
            const bool has = std::ranges::binary_search(there, id);
            if (!has)
                TRY(copy_and_say(id));
            else if (heals)
                TRY(heal_and_say(id));
        }
        return std::move(report_);
    }

  private:
    void start_anew() {
        reach_.emplace(from_, cancel_);
        sure_.assign((reach_->index().rows().size() + 63) / 64, 0);
    }

    // A walk that was broken off has marked what it has not walked: nothing may rely on it.
    Result<void> say_failed(const std::string& id, const Error& error) {
        if (!is_damage(error))
            return error;
        report_.failed.push_back({ "snapshot " + id, error.why, {} });
        TRY(from_.refresh_index());
        start_anew();
        return {};
    }

    Result<void> copy_and_say(const std::string& id) {
        auto copied = copy(id);
        if (!copied.ok())
            return say_failed(id, copied.error());
        report_.copied.push_back(id);
        return {};
    }

    // In the order of a backup: pending, packs, index, ending, snapshot.
    Result<void> copy(const std::string& id) {
        const auto snapshot = TRY(from_.snapshot(id));
        const auto document = TRY(document_of(from_, snapshot));
        TRY(reach_->add(snapshot));
        Writer::State writer(to_);
        TRY(writer.begin());
        // What an earlier pending relied on, prune may have deleted since: all is looked at anew.
        std::ranges::fill(sure_, 0);
        TRY(copy_reached(writer));
        const auto copy = TRY(writer.put(BlobKind::snapshot, document));
        TRY(writer.flush());
        TRY(writer.pending->commit(snapshot, copy));
        TRY(writer.publish(id, document));
        writer.pending->done();
        count(writer);
        (void)note_number(to_, snapshot.writer, snapshot.number);
        return to_.refresh_index();
    }

    // ---- what is known to be lost at the target, although its snapshots need it ----

    Result<bool> has_losses() {
        if (!read_bad_places(to_).empty())
            return true;
        const auto marked = TRY(list_marks(to_)).packs();
        PackSet there;
        for (const auto& entry : TRY(to_.location->list("packs/")))
            if (const auto pack = pack_from_name(entry.name); pack.ok())
                there.insert(pack.value());
        return std::ranges::any_of(to_.index.packs(), [&](const PackRow& pack) {
            return !there.contains(pack.id) && !marked.contains(pack.id);
        });
    }

    Result<void> heal_and_say(const std::string& id) {
        auto healed = heal(id);
        return healed.ok() ? std::move(healed) : say_failed(id, healed.error());
    }

    Result<void> heal(const std::string& id) {
        TRY(reach_->add(TRY(from_.snapshot(id))));
        if (!healer_) {
            healer_ = std::make_unique<Writer::State>(to_);
            TRY(healer_->begin());
        }
        auto& writer = *healer_;
        TRY(copy_reached(writer));
        TRY(writer.flush());
        report_.healed += std::exchange(writer.counters.new_blobs, 0);
        return {};
    }

  public:
    // What was healed counts by its index files; no snapshot ends this.
    Result<void> end_healing() {
        if (!healer_)
            return {};
        TRY(healer_->pending->end_without_snapshot());
        count(*healer_);
        healer_.reset();
        return to_.refresh_index();
    }

  private:
    void count(const Writer::State& writer) {
        report_.blobs += writer.counters.new_blobs;
        report_.stored_bytes += writer.counters.stored_bytes;
    }

    // ---- blobs ----

    bool is_sure(std::size_t row) const { return sure_[row / 64] >> (row % 64) & 1; }
    void be_sure(std::size_t row) { sure_[row / 64] |= std::uint64_t{ 1 } << (row % 64); }

    // First rows of what is reached and not at the target.
    template <class Take> void each_lacking(const Writer::State& writer, Take take) {
        const auto rows = reach_->index().rows();
        for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
            end = reach_->group_end(first);
            if (!reach_->reached(first) || is_sure(first))
                continue;
            if (writer.has(rows[first].id))
                be_sure(first);
            else
                take(rows[first]);
        }
    }

    // In portions of whole packs, so that memory stays flat.
    Result<void> copy_reached(Writer::State& writer) {
        std::vector<std::size_t> counts(reach_->index().packs().size());
        done_ = total_ = 0;
        each_lacking(writer, [&](const IndexRow& row) {
            ++counts[row.pack];
            total_ += row.length;
        });
        for (std::uint32_t begin = 0, end = 0; begin < counts.size(); begin = end) {
            std::size_t rows = 0;
            for (end = begin;
                 end < counts.size() && (rows == 0 || rows + counts[end] <= most_rows_at_once); ++end)
                rows += counts[end];
            if (rows > 0)
                TRY(copy_portion(writer, begin, end));
        }
        return {};
    }

    Result<void> copy_portion(Writer::State& writer, std::uint32_t begin, std::uint32_t end) {
        std::vector<IndexRow> lacking;
        each_lacking(writer, [&](const IndexRow& row) {
            if (row.pack >= begin && row.pack < end)
                lacking.push_back(row);
        });
        std::ranges::sort(lacking, [](const IndexRow& a, const IndexRow& b) {
            return std::pair(a.pack, a.offset) < std::pair(b.pack, b.offset);
        });
        for (std::size_t from = 0, to = 0; from < lacking.size(); from = to) {
            while (to < lacking.size() && lacking[to].pack == lacking[from].pack)
                ++to;
            TRY(cancel_.check());
            TRY(copy_of_pack(writer, { lacking.data() + from, to - from }));
        }
        return {};
    }

    // A pack that cannot be read, or was exchanged by prune: each blob is sought by itself.
    Result<void> copy_of_pack(Writer::State& writer, std::span<const IndexRow> rows) {
        const auto& pack = reach_->index().packs()[rows.front().pack];
        const auto opener = from_.opener(pack.id, pack.size);
        std::size_t taken = 0;
        std::optional<Error> failed; // of the target
        const auto take = [&](const IndexRow& row, std::string_view frame) -> Result<void> {
            auto blob = open_coded(opener.value(), from_.identify, frame);
            const bool right =
                blob.ok() && blob.value().id == row.id && blob.value().flags == row.flags;
            auto put = right ? writer.put_coded(std::move(blob).value()) : seek(writer, row);
            if (!put.ok())
                failed = put.error();
            ++taken;
            say_progress(row.length);
            return put;
        };
        const auto read = opener.ok() ? read_frames(from_, pack, rows, take) : Result<void>();
        if (failed)
            return *failed;
        for (const auto& row : rows.subspan(taken)) {
            TRY(seek(writer, row));
            say_progress(row.length);
        }
        return {};
    }

    Result<void> seek(Writer::State& writer, const IndexRow& row) {
        const auto kind = static_cast<BlobKind>(row.flags & 0xff);
        TRY(writer.put(kind, TRY(from_.blob(row.id, kind))));
        return {};
    }

    void say_progress(std::uint64_t bytes) {
        done_ += bytes;
        if (progress_)
            progress_(done_, total_);
    }

    // ---- tombstones: a removed snapshot that was never here leaves its number explained ----

    Result<void> copy_tombstones(const std::vector<std::string>& there) {
        for (const auto& tombstone : TRY(list_tombstones(from_))) {
            const auto& snapshot = tombstone.snapshot;
            if (tombstone.undone || std::ranges::binary_search(there, snapshot.id))
                continue;
            const auto name = tombstone_name(snapshot.writer, snapshot.number);
            const auto known = to_.location->read(name, { 0, 1 });
            if (known.ok())
                continue;
            const auto bytes = TRY(from_.location->read(name, { 0, max_document }));
            io::TextSource source(bytes);
            const auto created = to_.location->create(name, source);
            if (!created.ok() && created.error().kind != Kind::conflict)
                return created;
        }
        return {};
    }

    Vault::State& from_;
    Vault::State& to_;
    const Cancellation& cancel_;
    const Progress& progress_;
    std::optional<Reach> reach_;
    std::vector<std::uint64_t> sure_; // rows of the source that the target has
    std::unique_ptr<Writer::State> healer_;
    std::uint64_t done_ = 0, total_ = 0;
    ReplicateReport report_;
};

} // namespace

Result<ReplicateReport> Vault::replicate_from(Vault& source, const Cancellation& cancel,
                                              const Progress& progress) {
    const auto both = fmt::format("{} to {}", source.url(), url());
    const auto copied = [&]() -> Result<ReplicateReport> {
        if (source.id() != id())
            return Error{ .kind = Kind::conflict, .why = "the two locations hold different vaults" };
        TRY(bring_keys(*source.state_->location, *state_->location));
        TRY(state_->refresh_keyring());
        Replication replication(*source.state_, *state_, cancel, progress);
        auto done = replication.run();
        TRY(replication.end_healing());
        return done;
    }();
    return Result<ReplicateReport>(copied).while_doing("copy backups", both);
}

} // namespace respawn::vault
