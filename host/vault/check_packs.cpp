// Packs: are they there, are they whole, is every byte of them right.
#include "vault/check.h"
#include "vault/marks.h"
#include "vault/read_times.h"

#include "crypto/sip_hash.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <future>
#include <optional>

namespace respawn::vault {

namespace {

// Tells whether a pack's directory is what the index says of it. The index is read once, from beginning
// to end, for all packs: a keyed hash of each row is added up.
class Agreement {
  public:
    explicit Agreement(MergedIndex index)
        : index_(std::move(index)), hash_(crypto::random_bytes(16)), sums_(index_.packs().size()) {
        for (const auto& row : index_.rows())
            sums_[row.pack] += hash(row);
    }

    bool holds(std::uint32_t pack, const std::vector<PackEntry>& entries) const {
        std::uint64_t sum = 0;
        for (const auto& entry : entries)
            sum += hash(row_of(pack, entry));
        return sum == sums_[pack] || names_all(pack, entries);
    }

  private:
    static IndexRow row_of(std::uint32_t pack, const PackEntry& entry) {
        return { entry.id, pack, entry.offset, entry.length, entry.flags };
    }
    std::uint64_t hash(const IndexRow& row) const {
        return hash_({ reinterpret_cast<const char*>(&row), sizeof row });
    }
    // The index may know more.
    bool names_all(std::uint32_t pack, const std::vector<PackEntry>& entries) const {
        return std::ranges::all_of(entries, [&](const PackEntry& entry) {
            return std::ranges::any_of(index_.find(entry.id),
                                       [&](const IndexRow& row) { return row == row_of(pack, entry); });
        });
    }

    const MergedIndex index_;
    const crypto::SipHash hash_;
    std::vector<std::uint64_t> sums_;
};

std::string first_fault(const Check& check, const Agreement& agreement, std::uint32_t number,
                        std::string_view bytes, const PackContents& contents) {
    const auto& row = check.vault.index.packs()[number];
    const std::string_view hash(reinterpret_cast<const char*>(row.sha256.data()), row.sha256.size());
    if (!contents.faults.empty())
        return contents.faults.front();
    if (crypto::sha256(bytes) != hash)
        return "its bytes are not those that were written";
    if (!agreement.holds(number, contents.record.entries))
        return "its directory names blobs that the index does not";
    return {};
}

// What reading a pack whole shows. Made on any thread; `fault` is empty when it is sound.
struct Look {
    std::uint64_t bytes = 0;
    std::string fault;
    std::uint64_t sound_blobs = 0;
    std::unordered_set<ChunkId, IdHash> sound; // told where there is a fault
};

Result<Look> read_whole(const Check& check, const Agreement& agreement, std::uint32_t number) {
    TRY(check.cancel.check());
    const auto& row = check.vault.index.packs()[number];
    const auto bytes = TRY(check.vault.location->read(pack_name(row.id), { 0, max_pack + 1 }));
    const auto keyring = TRY(check.vault.keyring_for_pack(bytes));
    auto contents = read_pack(keyring, check.vault.identify, row.id, bytes);
    Look look{ .bytes = bytes.size() };
    look.fault = contents.ok() ? first_fault(check, agreement, number, bytes, contents.value())
                               : contents.error().why;
    if (!look.fault.empty() && bytes.size() != row.size)
        look.fault = fmt::format("it has {} bytes and should have {}", bytes.size(), row.size);
    if (contents.ok()) {
        look.sound_blobs = contents.value().sound_blobs();
        if (!look.fault.empty())
            look.sound = contents.value().sound_ids();
    }
    return look;
}

bool is_read(const Check& check, const PackId& pack) {
    const bool faulty = check.known_faults && check.known_faults->contains(pack);
    const bool fresh = check.known_packs && !check.known_packs->contains(pack);
    return !faulty && (check.read_packs.contains(pack) || fresh);
}

// Packs that are read whole, on all cores, a few ahead of the one that is asked for.
class WholePacks {
  public:
    WholePacks(const Check& check, std::vector<std::uint32_t> numbers)
        : check_(check), numbers_(std::move(numbers)),
          agreement_(numbers_.empty() ? MergedIndex() : check.vault.index) {}

    // Of the next of the numbers.
    Result<Look> next() {
        while (begun_ < numbers_.size() && ahead_.size() <= pool_.size())
            begin(numbers_[begun_++]);
        auto look = ahead_.front().get();
        ahead_.pop_front();
        return look;
    }

  private:
    void begin(std::uint32_t number) {
        const auto task = std::make_shared<std::packaged_task<Result<Look>()>>(
            [this, number] { return read_whole(check_, agreement_, number); });
        ahead_.push_back(task->get_future());
        pool_.begin([task] { (*task)(); });
    }

    const Check& check_;
    const std::vector<std::uint32_t> numbers_;
    const Agreement agreement_;
    std::size_t begun_ = 0;
    std::deque<std::future<Result<Look>>> ahead_;
    ThreadPool pool_; // goes first, ending what it reads
};

std::optional<FaultyPack> faulty(Check& check, const PackId& pack, std::string why) {
    return FaultyPack{ check.damage(pack_name(pack), why), why, {} };
}

// What was found in a pack; nothing when it is sound.
std::optional<FaultyPack> take(Check& check, const PackId& pack, Look look) {
    check.count_read(look.bytes);
    check.report.blobs += look.sound_blobs;
    if (look.fault.empty())
        return std::nullopt;
    auto found = faulty(check, pack, std::move(look.fault));
    found->sound = std::move(look.sound);
    return found;
}

// What its size and an earlier look say of a pack that is not read.
std::optional<FaultyPack> judge_unread(Check& check, const PackRow& row, const std::uint64_t* size) {
    if (!size)
        return faulty(check, row.id, "the pack is missing");
    if (check.known_faults) {
        if (const auto known = check.known_faults->find(row.id); known != check.known_faults->end()) {
            auto again = faulty(check, row.id, known->second.why);
            again->sound = known->second.sound;
            return again;
        }
    }
    if (*size == row.size)
        return std::nullopt;
    return faulty(check, row.id, fmt::format("it has {} bytes and should have {}", *size, row.size));
}

using Sizes = std::unordered_map<PackId, std::uint64_t, IdHash>;

// Which packs are read whole: all, or those read longest ago until the share is reached.
Result<void> choose_packs(Check& check, const Sizes& sizes) {
    if (check.depth != CheckDepth::read_data)
        return {};
    std::uint64_t total = 0, chosen = 0;
    const auto read_at = when_read(check.vault);
    std::vector<std::pair<std::int64_t, PackId>> order; // by when it was read last
    for (const auto& pack : check.vault.index.packs())
        if (sizes.contains(pack.id)) {
            const auto known = read_at.find(pack.id);
            order.emplace_back(known == read_at.end() ? 0 : known->second, pack.id);
            total += sizes.at(pack.id);
        }
    std::ranges::sort(order);
    for (const auto& [at, pack] : order) {
        if (static_cast<double>(chosen) >= check.share * static_cast<double>(total))
            break;
        check.read_packs.insert(pack);
        chosen += sizes.at(pack);
    }
    return {};
}

// What this check has read, for the next one, and how much of all was read lately.
Result<void> note_read(Check& check, const Sizes& sizes) {
    constexpr std::int64_t lately = 30LL * 24 * 3600 * 1'000'000;
    auto read_at = when_read(check.vault);
    const auto present = now().microseconds;
    for (const auto& pack : check.read_packs)
        read_at[pack] = present;
    std::erase_if(read_at, [&](const auto& known) { return !sizes.contains(known.first); });
    for (const auto& [pack, size] : sizes) {
        const auto known = read_at.find(pack);
        const bool fresh = known != read_at.end() && known->second > present - lately;
        check.report.pack_bytes += size;
        check.report.lately_read_bytes += fresh && known->second <= present ? size : 0;
    }
    return check.read_packs.empty() ? Result<void>() : note_when_read(check.vault, read_at);
}

Result<void> check_indexed(Check& check) {
    Sizes sizes;
    for (const auto& file : check.named("packs/"))
        if (const auto id = pack_from_name(file.name); id.ok())
            sizes.emplace(id.value(), file.size);
    TRY(choose_packs(check, sizes));
    const auto packs = check.vault.index.packs();
    const auto read = [&](const PackRow& row) {
        return sizes.contains(row.id) && is_read(check, row.id);
    };
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < packs.size(); ++number)
        if (read(packs[number]))
            numbers.push_back(number);
    WholePacks whole(check, std::move(numbers));
    for (const auto& row : packs) {
        const auto size = sizes.find(row.id);
        auto found = read(row)
                         ? take(check, row.id, TRY(whole.next()))
                         : judge_unread(check, row, size == sizes.end() ? nullptr : &size->second);
        if (found)
            check.faulty.emplace(row.id, std::move(*found));
    }
    check.report.packs = sizes.size();
    return note_read(check, sizes);
}

const FaultyPack* fault_of(const Check& check, const IndexRow& row) {
    if (check.faulty.empty())
        return nullptr;
    const auto found = check.faulty.find(check.vault.index.packs()[row.pack].id);
    return found == check.faulty.end() ? nullptr : &found->second;
}

bool is_bad(const Check& check, const IndexRow& row) {
    const auto* fault = fault_of(check, row);
    return fault && !fault->sound.contains(row.id);
}

// One pass over the index: which blobs lie badly, and which of them nowhere well.
void find_lost(Check& check) {
    if (check.faulty.empty())
        return;
    const auto& index = check.vault.index;
    for (const auto& row : index.rows()) {
        if (!is_bad(check, row))
            continue;
        check.bad.emplace(index.packs()[row.pack].id, row.id);
        const bool sound_elsewhere =
            check.vault.recovered_places.contains(row.id) ||
            std::ranges::any_of(index.find(row.id),
                                [&](const IndexRow& other) { return !is_bad(check, other); });
        if (!sound_elsewhere)
            check.lost.emplace(row.id, fault_of(check, row)->damage);
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
    check.unread_unindexed = faults.size();
    for (const auto& fault : faults)
        check.note(
            fmt::format("{}, which no index file names, is damaged: {}", fault.object, fault.why));
    return {};
}

} // namespace

namespace {

// Its rows are sound in a pack without fault, or they are lost and nobody needs them.
bool is_superseded(const Check& check, const IndexRow& row) {
    if (is_bad(check, row) && !check.needed_lost.contains(row.id) && check.lost.contains(row.id))
        return true;
    return std::ranges::any_of(check.vault.index.find(row.id), [&](const IndexRow& other) {
        return fault_of(check, other) == nullptr;
    });
}

// A pack that nobody's blobs are counted on any more: what lies in it is sought elsewhere.
void settle(Check& check, const PackId& pack, const FaultyPack& fault) {
    check.settled.insert(fault.damage);
    check.note(fmt::format("{} is damaged ({}); what it held lies elsewhere, or nobody needs it: "
                           "prune removes it",
                           pack_name(pack), fault.why));
}

} // namespace

namespace {

void settle_packs(Check& check) {
    if (check.faulty.empty())
        return;
    const auto& index = check.vault.index;
    std::unordered_set<PackId, IdHash> held; // something of them is nowhere else
    for (const auto& row : index.rows())
        if (fault_of(check, row) && !is_superseded(check, row))
            held.insert(index.packs()[row.pack].id);
    for (const auto& [pack, fault] : check.faulty)
        if (!held.contains(pack))
            settle(check, pack, fault);
    for (const auto& row : index.rows())
        if (fault_of(check, row) && !held.contains(index.packs()[row.pack].id))
            check.bad.emplace(index.packs()[row.pack].id, row.id);
}

} // namespace

Result<void> settle_superseded(Check& check) {
    settle_packs(check);
    const auto marked = TRY(list_marks(check.vault)).packs();
    const bool covered = std::ranges::all_of(
        check.vault.recovered, [&](const auto& pack) { return marked.contains(pack.record.id); });
    if (covered && check.unread_unindexed == 0)
        for (const auto& [file, damage] : check.damaged_index) {
            check.settled.insert(damage);
            check.note(fmt::format("{} is damaged; all packs stand in other index files: prune removes "
                                   "it",
                                   file));
        }
    return {};
}

Result<void> check_packs(Check& check) {
    TRY(check_unindexed(check));
    TRY(check_indexed(check));
    if (check.depth == CheckDepth::structure)
        check.report.blobs = check.vault.index.rows().size();
    find_lost(check);
    return {};
}

} // namespace respawn::vault
