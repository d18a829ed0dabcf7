#include "vault/removal.h"

#include "base/text.h"
#include "vault/codec.h"
#include "vault/keeping.h"
#include "vault/marks.h"
#include "vault/pending.h"
#include "vault/reach.h"
#include "vault/snapshot_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace respawn::vault {

namespace {

constexpr auto removal_lease = std::chrono::minutes(30);
constexpr std::string_view removed_folder = "tombstones/";

Result<Tombstone> decode_tombstone(const Value& value) {
    const auto* document = value.at("document").blob();
    if (!document)
        return Tombstone{};
    const auto* undone = value.at("undone").boolean();
    return Tombstone{ .snapshot = TRY(decode_snapshot(document->bytes)),
                      .document = document->bytes,
                      .removed = { value.integer_at("removed") },
                      .why = value.text_at("why"),
                      .undone = undone && *undone };
}

// In the place of one that is there. In between there is none, so the snapshot's file has to be.
Result<void> put_tombstone(Vault::State& vault, Lease& lease, const Tombstone& tombstone) {
    const auto& snapshot = tombstone.snapshot;
    const auto name = tombstone_name(snapshot.writer, snapshot.number);
    const auto sealed = seal_tombstone(vault.keyring, name,
                                       Value::Map{ { "snapshot", snapshot.id },
                                                   { "removed", tombstone.removed.microseconds },
                                                   { "why", tombstone.why },
                                                   { "undone", tombstone.undone },
                                                   { "document", Blob{ tombstone.document } } });
    TRY(lease.hold());
    TRY(vault.location->remove(name));
    io::TextSource source(sealed);
    auto written = vault.location->create(name, source);
    TRY(lease.hold()); // a conflict is somebody who has taken over
    return written;
}

Result<void> put_snapshot(Vault::State& vault, const Tombstone& tombstone) {
    const auto& id = tombstone.snapshot.id;
    const auto there = vault.location->read(snapshot_name(id), { 0, 1 });
    if (there.ok() || there.error().kind != Kind::missing)
        return there.ok() ? Result<void>() : there.error();
    const auto sealed = seal_snapshot(vault.keyring, id, tombstone.document);
    io::TextSource source(sealed);
    return vault.location->create(snapshot_name(id), source);
}

} // namespace

Result<std::string> document_of(Vault::State& vault, const Snapshot& snapshot) {
    const auto bytes = vault.location->read(snapshot_name(snapshot.id), { 0, max_document });
    auto plain = bytes.ok() ? open_snapshot_document(TRY(vault.keyring_for_document(bytes.value())),
                                                     snapshot.id, bytes.value())
                            : Result<std::string>(bytes.error());
    return plain.ok() ? plain : encode_snapshot(snapshot);
}

Result<std::vector<Tombstone>> list_tombstones(Vault::State& vault) {
    std::vector<Tombstone> all;
    for (const auto& entry : TRY(vault.location->list(removed_folder))) {
        const auto bytes = TRY(vault.location->read(entry.name, { 0, max_document }));
        const auto value = open_tombstone(TRY(vault.keyring_for_document(bytes)), entry.name, bytes);
        auto tombstone = value.ok() ? decode_tombstone(value.value()) : value.error();
        if (tombstone.ok() && !tombstone.value().document.empty())
            all.push_back(std::move(tombstone).value());
    }
    return all;
}

std::set<std::string> removed_ids(const std::vector<Tombstone>& tombstones) {
    std::set<std::string> ids;
    for (const auto& tombstone : tombstones)
        if (!tombstone.undone)
            ids.insert(tombstone.snapshot.id);
    return ids;
}

namespace {

// What repair has written beside a damaged file goes first: alone it means nothing.
Result<void> remove_files(Vault::State& vault, const std::string& id) {
    TRY(vault.location->remove(snapshot_copy_name(id)));
    return vault.location->remove(snapshot_name(id));
}

} // namespace

Result<void> settle_removals(Vault::State& vault, Lease& lease) {
    const auto there = TRY(vault.snapshot_ids());
    for (const auto& tombstone : TRY(list_tombstones(vault))) {
        const bool has_file = std::ranges::binary_search(there, tombstone.snapshot.id);
        if (has_file != tombstone.undone)
            TRY(lease.hold());
        if (has_file && !tombstone.undone)
            TRY(remove_files(vault, tombstone.snapshot.id));
        else if (!has_file && tombstone.undone)
            TRY(put_snapshot(vault, tombstone));
    }
    return {};
}

Result<void> remove_snapshot(Vault::State& vault, Lease& lease, const std::string& id,
                             const std::string& why) {
    const auto snapshot = TRY(vault.snapshot(id));
    auto document = TRY(document_of(vault, snapshot));
    const auto removed = TRY(vault.location->now());
    TRY(put_tombstone(
        vault, lease,
        { .snapshot = snapshot, .document = std::move(document), .removed = removed, .why = why }));
    return remove_files(vault, id);
}

namespace {

// All that it needs has to be there, and in no pack that somebody may be deleting at this moment.
Result<void> must_be_whole(Vault::State& vault, const Tombstone& tombstone) {
    const auto marks = TRY(list_marks(vault));
    const auto marked = marks.packs();
    TRY(vault.refresh_index());
    const Cancellation never;
    Reach reach(vault, never);
    const auto gone = [&](std::string why) {
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("the data of snapshot {} is being deleted, or gone: {}",
                                         tombstone.snapshot.id, why),
                      .fix = "a removed snapshot can be brought back only within its grace time" };
    };
    if (const auto found = reach.add(tombstone.snapshot); !found.ok())
        return found.error().kind == Kind::corrupt ? gone(found.error().why) : found.error();
    PackSet there;
    for (const auto& entry : TRY(vault.location->list("packs/")))
        if (const auto pack = pack_from_name(entry.name); pack.ok() && !marked.contains(pack.value()))
            there.insert(pack.value());
    const auto rows = reach.index().rows();
    for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
        end = reach.group_end(first);
        bool held = false;
        for (auto at = first; at < end; ++at)
            held = held || there.contains(reach.index().packs()[rows[at].pack].id);
        if (reach.reached(first) && (!held || !marks.unreadable.empty()))
            return gone("a pack that it needs is about to go");
    }
    return {};
}

std::string in_upper_case(std::string_view text) {
    std::string upper(text);
    for (auto& letter : upper)
        if (letter >= 'a' && letter <= 'z')
            letter = static_cast<char>(letter - 'a' + 'A');
    return upper;
}

Result<Tombstone> find_tombstone(Vault::State& vault, std::string_view name) {
    const auto prefix = in_upper_case(name);
    std::vector<Tombstone> found;
    for (auto& tombstone : TRY(list_tombstones(vault)))
        if (!prefix.empty() && tombstone.snapshot.id.starts_with(prefix))
            found.push_back(std::move(tombstone));
    if (found.size() == 1)
        return std::move(found.front());
    return Error{ .kind = found.empty() ? Kind::missing : Kind::conflict,
                  .why = fmt::format("{} removed backups have an id that begins with {}", found.size(),
                                     printable(prefix)),
                  .fix = "respawn undelete without an id lists those that can be brought back" };
}

// The one that is there and was not removed: an undelete that was killed at its end has done its work.
Result<Snapshot> there_already(Vault::State& vault, std::string_view name, const Error& otherwise) {
    const auto prefix = in_upper_case(name);
    for (const auto& id : TRY(vault.snapshot_ids()))
        if (id == prefix)
            return vault.snapshot(id);
    return otherwise;
}

} // namespace

namespace {

// Looked at under the lease, so that two cleanups cannot each rely on what the other removes.
Result<void> must_leave_good_ones(Vault::State& vault, const std::vector<std::string>& going) {
    std::map<std::pair<std::string, std::string>, bool> left; // by plan and type
    for (const auto& snapshot : TRY(vault.snapshots(nullptr))) {
        auto& good = left.try_emplace({ snapshot.plan, snapshot.type }, !snapshot.good()).first->second;
        const bool stays = std::ranges::find(going, snapshot.id) == going.end();
        good = good || (snapshot.good() && stays);
    }
    for (const auto& [series, good] : left)
        if (!good)
            return Error{ .kind = Kind::moved,
                          .why = fmt::format("no good backup of plan '{}' and type {} would be left",
                                             series.first, series.second),
                          .fix = "nothing was removed; look again at what there is: respawn list" };
    return {};
}

} // namespace

Result<void> Vault::remove(const std::vector<std::string>& ids, const std::string& why,
                           bool last_good_too) {
    const Alone alone(*state_);
    auto lease = TRY(Lease::take(*state_, removal_lease));
    auto removed = [&]() -> Result<void> {
        if (!last_good_too)
            TRY(must_leave_good_ones(*state_, ids));
        for (const auto& id : ids)
            TRY(remove_snapshot(*state_, lease, id, why).while_doing("remove a snapshot", id));
        return {};
    }();
    auto released = lease.release();
    return removed.ok() ? std::move(released) : std::move(removed);
}

Result<std::vector<Removed>> Vault::removed(Duration grace) {
    const Alone alone(*state_);
    const auto present = TRY(state_->location->now());
    std::vector<Removed> all;
    for (auto& tombstone : TRY(list_tombstones(*state_))) {
        const auto until = tombstone.removed + grace;
        if (present < until && !tombstone.undone)
            all.push_back({ std::move(tombstone.snapshot), tombstone.removed, until, tombstone.why });
    }
    return all;
}

Result<Snapshot> Vault::undelete(std::string_view name) {
    const Alone alone(*state_);
    auto lease = TRY(Lease::take(*state_, removal_lease));
    auto back = [&]() -> Result<Snapshot> {
        auto found = find_tombstone(*state_, name);
        if (!found.ok())
            return there_already(*state_, name, found.error());
        auto tombstone = std::move(found).value();
        if (!tombstone.undone)
            TRY(must_be_whole(*state_, tombstone));
        TRY(lease.hold());
        TRY(put_snapshot(*state_, tombstone));
        tombstone.undone = true;
        TRY(put_tombstone(*state_, lease, tombstone));
        return std::move(tombstone.snapshot);
    }();
    auto released = lease.release();
    if (back.ok())
        TRY(std::move(released));
    return std::move(back).while_doing("bring a snapshot back", name);
}

Result<std::vector<std::uint64_t>> Vault::freed_by(const std::vector<std::string>& going,
                                                   const Cancellation& cancel) {
    const Alone alone(*state_);
    TRY(state_->refresh_index());
    Reach reach(*state_, cancel);
    for (const auto& id : TRY(state_->snapshot_ids()))
        if (std::ranges::find(going, id) == going.end())
            TRY(reach.add(TRY(state_->snapshot(id))));
    (void)reach.bytes_since_then();
    std::vector<std::uint64_t> freed;
    for (const auto& id : going) {
        TRY(reach.add(TRY(state_->snapshot(id))));
        freed.push_back(reach.bytes_since_then());
    }
    return freed;
}

Result<Moment> Vault::clock() { return state_->location->now(); }
Result<std::optional<Moment>> Vault::last_kept() { return lease_last_used(*state_); }

} // namespace respawn::vault
