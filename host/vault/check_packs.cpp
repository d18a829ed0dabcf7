// Packs: are they there, are they whole, is every byte of them right.
#include "vault/check.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace respawn::vault {

namespace {

// A pack with a fault, and which of its blobs are sound all the same.
struct Faulty {
    std::size_t damage = 0;
    std::unordered_set<ChunkId, IdHash> sound;
};
using FaultyPacks = std::unordered_map<std::uint32_t, Faulty>; // by number in the index

bool index_agrees(const MergedIndex& index, std::uint32_t pack, const std::vector<PackEntry>& entries) {
    return std::ranges::all_of(entries, [&](const PackEntry& entry) {
        const IndexRow row{ entry.id, pack, entry.offset, entry.length, entry.flags };
        return std::ranges::find(index.find(entry.id), row) != index.find(entry.id).end();
    });
}

std::string first_fault(const Check& check, std::uint32_t number, std::string_view bytes,
                        const PackContents& contents) {
    const auto& row = check.vault.index.packs()[number];
    const std::string_view hash(reinterpret_cast<const char*>(row.sha256.data()), row.sha256.size());
    if (!contents.faults.empty())
        return contents.faults.front();
    if (crypto::sha256(bytes) != hash)
        return "its bytes are not those that were written";
    if (!index_agrees(check.vault.index, number, contents.record.entries))
        return "its directory names blobs that the index does not";
    return {};
}

// What is wrong with one pack that the index names; nothing when it is sound.
Result<std::optional<Faulty>> read_one(Check& check, std::uint32_t number) {
    const auto& row = check.vault.index.packs()[number];
    const auto name = pack_name(row.id);
    const auto bytes = TRY(check.read(name, max_pack + 1));
    TRY(check.vault.meet_pack(bytes));
    const auto contents = read_pack(check.vault.keyring, check.vault.identify, row.id, bytes);
    const auto fault =
        contents.ok() ? first_fault(check, number, bytes, contents.value()) : contents.error().why;
    check.report.blobs += contents.ok() ? contents.value().sound.size() : 0;
    if (fault.empty())
        return std::optional<Faulty>();
    const auto why = bytes.size() != row.size
                         ? fmt::format("it has {} bytes and should have {}", bytes.size(), row.size)
                         : fault;
    Faulty faulty{ check.damage(name, why), {} };
    if (contents.ok())
        faulty.sound = contents.value().sound;
    return std::optional(std::move(faulty));
}

Result<std::optional<Faulty>> look_at(Check& check, std::uint32_t number, const std::uint64_t* size) {
    const auto& row = check.vault.index.packs()[number];
    if (!size)
        return std::optional(Faulty{ check.damage(pack_name(row.id), "the pack is missing"), {} });
    if (check.depth == CheckDepth::read_data)
        return read_one(check, number);
    if (*size == row.size)
        return std::optional<Faulty>();
    return std::optional(
        Faulty{ check.damage(pack_name(row.id),
                             fmt::format("it has {} bytes and should have {}", *size, row.size)),
                {} });
}

Result<FaultyPacks> check_indexed(Check& check) {
    std::unordered_map<PackId, std::uint64_t, IdHash> sizes;
    for (const auto& file : check.named("packs/"))
        if (const auto id = pack_from_name(file.name); id.ok())
            sizes.emplace(id.value(), file.size);
    FaultyPacks faulty;
    const auto packs = check.vault.index.packs();
    for (std::uint32_t number = 0; number < packs.size(); ++number) {
        const auto size = sizes.find(packs[number].id);
        auto found = TRY(look_at(check, number, size == sizes.end() ? nullptr : &size->second));
        if (found)
            faulty.emplace(number, std::move(*found));
    }
    check.report.packs = sizes.size();
    return faulty;
}

bool is_bad(const FaultyPacks& faulty, const IndexRow& row) {
    const auto found = faulty.find(row.pack);
    return found != faulty.end() && !found->second.sound.contains(row.id);
}

// One pass over the index: which blobs lie badly, and which of them nowhere well.
void find_lost(Check& check, const FaultyPacks& faulty) {
    const auto& index = check.vault.index;
    for (const auto& row : index.rows()) {
        if (!is_bad(faulty, row))
            continue;
        check.bad.emplace(index.packs()[row.pack].id, row.id);
        const bool sound_elsewhere =
            check.vault.recovered_places.contains(row.id) ||
            std::ranges::any_of(index.find(row.id),
                                [&](const IndexRow& other) { return !is_bad(faulty, other); });
        if (!sound_elsewhere)
            check.lost.emplace(row.id, faulty.at(row.pack).damage);
    }
}

// Packs that no index file names: of a killed backup, or of an index file that was lost.
Result<void> check_unindexed(Check& check) {
    check.vault.recovered.clear();
    check.vault.recovered_places.clear();
    std::vector<Damage> faults;
    TRY(check.vault.recover_unindexed(check.named("packs/"), &faults));
    for (const auto& pack : check.vault.recovered)
        check.report.bytes_read += pack.record.size;
    for (const auto& fault : faults)
        check.note(
            fmt::format("{}, which no index file names, is damaged: {}", fault.object, fault.why));
    return {};
}

} // namespace

Result<void> check_packs(Check& check) {
    TRY(check_unindexed(check));
    const auto faulty = TRY(check_indexed(check));
    if (check.depth == CheckDepth::structure)
        check.report.blobs = check.vault.index.rows().size();
    find_lost(check, faulty);
    return {};
}

} // namespace respawn::vault
