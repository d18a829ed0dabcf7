// Reading the list of snapshots.
#include "vault/codec.h"
#include "vault/document.h"
#include "vault/snapshot_file.h"
#include "vault/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::string_view snapshot_magic = "RSPS", tombstone_magic = "RSPT";

Error no_copy(std::string_view id) {
    return damaged(fmt::format("no pack has a copy of snapshot {}", id));
}

// Looks at one blob that may be the copy wanted.
Result<Snapshot> copy_at(Vault::State& state, const ChunkId& blob, std::string_view id) {
    const auto plain = TRY(state.blob(blob, BlobKind::snapshot));
    auto snapshot = TRY(decode_snapshot(plain));
    return snapshot.id == id ? Result<Snapshot>(std::move(snapshot)) : no_copy(id);
}

} // namespace

std::string seal_snapshot(const Keyring& keyring, std::string_view id, std::string_view encoded) {
    return seal_document(keyring, snapshot_magic, "snapshot", snapshot_name(id), encoded);
}

Result<std::string> open_snapshot_document(const Keyring& keyring, std::string_view id,
                                           std::string_view bytes) {
    return open_document(keyring, snapshot_magic, "snapshot", snapshot_name(id), bytes);
}

Result<Snapshot> open_snapshot(const Keyring& keyring, std::string_view id, std::string_view bytes) {
    auto snapshot = TRY(decode_snapshot(TRY(open_snapshot_document(keyring, id, bytes))));
    if (snapshot.id != id)
        return damaged(fmt::format("{} holds snapshot {}", snapshot_name(id), snapshot.id));
    return snapshot;
}

std::string snapshot_copy_name(std::string_view id) { return snapshot_name(id) + ".copy"; }

std::string seal_snapshot_copy(const Keyring& keyring, std::string_view id, std::string_view encoded) {
    return seal_document(keyring, snapshot_magic, "snapshot", snapshot_copy_name(id), encoded);
}

Result<Snapshot> open_snapshot_copy(const Keyring& keyring, std::string_view id,
                                    std::string_view bytes) {
    auto snapshot = TRY(decode_snapshot(
        TRY(open_document(keyring, snapshot_magic, "snapshot", snapshot_copy_name(id), bytes))));
    return snapshot.id == id
               ? Result<Snapshot>(std::move(snapshot))
               : damaged(fmt::format("{} holds snapshot {}", snapshot_copy_name(id), snapshot.id));
}

std::string tombstone_name(std::string_view writer, std::uint64_t number) {
    std::string name = fmt::format("tombstones/{}-{}", writer, number);
    for (auto& letter : name)
        if (letter >= 'A' && letter <= 'Z')
            letter = static_cast<char>(letter - 'A' + 'a');
    return name;
}

std::string seal_tombstone(const Keyring& keyring, std::string_view name, const Value& about) {
    return seal_document(keyring, tombstone_magic, "snapshot", name, encode(about));
}

Result<Value> open_tombstone(const Keyring& keyring, std::string_view name, std::string_view bytes) {
    return decode(TRY(open_document(keyring, tombstone_magic, "snapshot", name, bytes)));
}

Result<std::vector<std::string>> Vault::State::snapshot_ids() {
    std::vector<std::string> ids;
    for (const auto& entry : TRY(location->list("snapshots/")))
        if (auto id = snapshot_from_name(entry.name); !id.empty())
            ids.push_back(std::move(id));
    return ids;
}

Result<Snapshot> Vault::State::snapshot_from_file(std::string_view id) {
    const auto bytes = TRY(location->read(snapshot_name(id), { 0, max_document }));
    TRY(meet_document(bytes));
    return open_snapshot(keyring, id, bytes);
}

// The ids first: reading a blob may exchange the index.
Result<Snapshot> Vault::State::snapshot_from_pack(std::string_view id) {
    std::vector<ChunkId> copies;
    for (const auto& row : index.rows())
        if (static_cast<BlobKind>(row.flags & 0xff) == BlobKind::snapshot)
            copies.push_back(row.id);
    for (const auto& [blob, place] : recovered_places)
        if (static_cast<BlobKind>(place.flags & 0xff) == BlobKind::snapshot)
            copies.push_back(blob);
    for (const auto& copy : copies)
        if (auto found = copy_at(*this, copy, id); found.ok())
            return found;
    return no_copy(id);
}

Result<Snapshot> Vault::State::snapshot_from_copy(std::string_view id) {
    const auto bytes = TRY(location->read(snapshot_copy_name(id), { 0, max_document }));
    return open_snapshot_copy(TRY(keyring_for_document(bytes)), id, bytes);
}

Result<Snapshot> Vault::State::snapshot(std::string_view id) {
    auto snapshot = snapshot_from_file(id);
    if (snapshot.ok() || snapshot.error().kind != Kind::corrupt)
        return snapshot;
    if (auto written_anew = snapshot_from_copy(id); written_anew.ok())
        return written_anew;
    auto copy = snapshot_from_pack(id);
    if (!copy.ok() && !looked_for_unindexed) {
        TRY(recover_unindexed(TRY(location->list("packs/")), nullptr));
        copy = snapshot_from_pack(id);
    }
    return copy.ok() ? std::move(copy) : snapshot_elsewhere(id, snapshot.error());
}

Result<std::vector<Snapshot>> Vault::State::snapshots(std::vector<Damage>* damage) {
    std::vector<Snapshot> all;
    for (const auto& id : TRY(snapshot_ids())) {
        auto one = snapshot(id);
        if (one.ok())
            all.push_back(std::move(one).value());
        else if (damage && one.error().kind == Kind::corrupt)
            damage->push_back({ snapshot_name(id), one.error().why, { "snapshot " + id } });
        else if (one.error().kind != Kind::missing) // removed since it was listed
            return std::move(one.error());
    }
    return all;
}

Result<std::vector<Snapshot>> Vault::snapshots(std::vector<Damage>* damage) {
    auto all = TRY(own_snapshots(damage));
    if (state_->siblings.empty())
        return all;
    auto others = TRY(state_->snapshots_elsewhere(TRY(state_->snapshot_ids()))
                          .while_doing("read the snapshots", state_->location->url()));
    all.insert(all.end(), std::make_move_iterator(others.begin()),
               std::make_move_iterator(others.end()));
    std::ranges::sort(all, {}, &Snapshot::id);
    return all;
}

Result<std::vector<Snapshot>> Vault::own_snapshots(std::vector<Damage>* damage) {
    return state_->snapshots(damage).while_doing("read the snapshots", state_->location->url());
}

} // namespace respawn::vault
