// Keeps the merged index in step with the index files at the location.
#include "vault/index_merge.h"
#include "vault/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

using FileIds = std::vector<std::array<char, 16>>;

io::Path merged_file(const io::Path& cache) { return cache / "index"; }

// The ids of index files at the location, sorted. Other names there are no index files.
Result<FileIds> list_index_files(location::Location& location) {
    FileIds ids;
    for (const auto& entry : TRY(location.list("index/"))) {
        const auto id = index_from_name(entry.name);
        if (!id.ok())
            continue;
        id.value().copy(ids.emplace_back().data(), 16);
    }
    std::ranges::sort(ids);
    return ids;
}

Result<std::vector<PackRecord>> read_index_file(Vault::State& state, std::string_view id) {
    const auto name = index_name(id);
    const auto bytes = TRY(state.location->read(name, { 0, max_document }));
    return open_index(TRY(state.keyring_for_document(bytes)), name, bytes);
}

// A damaged index file is remembered, not merged: its packs are found by themselves when needed. Any
// other trouble is an error.
Result<void> merge_file(Vault::State& state, IndexMerge& merge, std::string_view id) {
    auto packs = read_index_file(state, id);
    if (packs.ok())
        return merge.add(id, packs.value());
    if (packs.error().kind != Kind::corrupt && packs.error().kind != Kind::missing)
        return packs.error();
    state.index_damage.push_back({ index_name(id), packs.error().why, {} });
    return {};
}

Result<void> merge_files(Vault::State& state, MergedIndex onto, const FileIds& ids) {
    const auto file = merged_file(state.cache);
    const auto lock = TRY(io::FileLock::lock(state.cache / "lock"));
    IndexMerge merge(file, cache_key(state.keyring), std::move(onto));
    for (const auto& id : ids)
        TRY(merge_file(state, merge, { id.data(), id.size() }));
    state.index = TRY(merge.finish());
    return {};
}

void adopt(Vault::State& state, PackContents contents) {
    auto& record = contents.record;
    for (const auto& blob : record.entries)
        state.recovered_places.emplace(
            blob.id, Place{ record.id, record.size, blob.offset, blob.length, blob.flags });
    state.recovered.push_back({ std::move(record), contents.faults.empty() });
}

} // namespace

crypto::Key cache_key(const Keyring& keyring) {
    return crypto::derive(keyring.purposes, "respawn vault 1 cache");
}

// Prune may exchange index files while they are read; then they are listed again.
Result<void> Vault::State::rebuild_index() {
    constexpr int most_tries = 5;
    for (int tries = 1;; ++tries) {
        index_damage.clear();
        index = MergedIndex();
        TRY(merge_files(*this, MergedIndex(), TRY(list_index_files(*location))));
        const bool exchanged = std::ranges::any_of(index_damage, [&](const Damage& damage) {
            const auto there = location->read(damage.object, { 0, 1 });
            return !there.ok() && there.error().kind == Kind::missing;
        });
        if (!exchanged || tries == most_tries)
            return {};
    }
}

Result<void> Vault::State::refresh_index() {
    const auto there = TRY(list_index_files(*location));
    if (!index.lies_at(merged_file(cache))) {
        auto cached = MergedIndex::open(merged_file(cache), cache_key(keyring));
        if (!cached.ok())
            return rebuild_index();
        index = std::move(cached).value();
    }
    const auto merged = index.files();
    if (!std::ranges::includes(there, merged))
        return rebuild_index(); // some have gone: their packs may have gone with them
    FileIds added;
    std::ranges::set_difference(there, merged, std::back_inserter(added));
    index_damage.clear();
    if (added.empty())
        return {};
    TRY(merge_files(*this, index, added));
    return index_damage.empty() ? Result<void>() : rebuild_index();
}

Result<bool> Vault::State::follow_index() {
    if (std::ranges::equal(TRY(list_index_files(*location)), index.files()))
        return false;
    TRY(refresh_index());
    return true;
}

Result<void> Vault::State::recover_unindexed(const std::vector<location::Entry>& packs,
                                             std::vector<Damage>* damage) {
    looked_for_unindexed = true;
    std::unordered_set<PackId, IdHash> known;
    for (const auto& pack : index.packs())
        known.insert(pack.id);
    for (const auto& pack : recovered)
        known.insert(pack.record.id);
    for (const auto& entry : packs) {
        const auto id = pack_from_name(entry.name);
        if (!id.ok() || known.contains(id.value()))
            continue;
        const auto read = location->read(entry.name, { 0, max_pack + 1 });
        if (!read.ok() && read.error().kind == Kind::missing) // prune was here
            continue;
        const auto bytes = TRY(read);
        auto contents = read_pack(TRY(keyring_for_pack(bytes)), identify, id.value(), bytes);
        if (damage && (!contents.ok() || !contents.value().faults.empty()))
            damage->push_back({ entry.name,
                                contents.ok() ? contents.value().faults.front() : contents.error().why,
                                {} });
        if (!contents.ok())
            continue;
        contents.value().record.sha256 = crypto::sha256(bytes);
        adopt(*this, std::move(contents).value());
    }
    return {};
}

std::vector<Place> Vault::State::places(const ChunkId& id) const {
    const std::scoped_lock lock(shared);
    std::vector<Place> found;
    for (const auto& row : index.find(id)) {
        const auto& pack = index.packs()[row.pack];
        found.push_back({ pack.id, pack.size, row.offset, row.length, row.flags });
    }
    const auto [begin, end] = recovered_places.equal_range(id);
    for (auto at = begin; at != end; ++at)
        found.push_back(at->second);
    return found;
}

} // namespace respawn::vault
