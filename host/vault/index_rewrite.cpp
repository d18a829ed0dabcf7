#include "vault/index_rewrite.h"

#include <algorithm>

namespace respawn::vault {

namespace {

constexpr std::size_t packs_per_file = 128, entries_per_file = 1 << 18;
constexpr std::size_t small_file = 16, most_small_files = 32; // packs; files

Result<std::vector<PackRecord>> read_records(Vault::State& vault, const std::string& name) {
    return open_index(vault.keyring, name, TRY(vault.location->read(name, { 0, max_document })));
}

bool names_any(const std::vector<PackRecord>& records, const PackSet& gone) {
    return std::ranges::any_of(records, [&](const PackRecord& pack) { return gone.contains(pack.id); });
}

// The files to write anew: those that name a pack that goes, and small ones where they are many.
Result<std::vector<std::string>> choose(Vault::State& vault, const PackSet& gone) {
    std::vector<std::string> chosen, small;
    for (const auto& entry : TRY(vault.location->list("index/"))) {
        if (!index_from_name(entry.name).ok())
            continue;
        const auto read = read_records(vault, entry.name);
        if (!read.ok() && read.error().kind == Kind::corrupt) { // all it named stands in others
            chosen.push_back(entry.name);
            continue;
        }
        const auto records = TRY(read);
        if (names_any(records, gone))
            chosen.push_back(entry.name);
        else if (records.size() < small_file)
            small.push_back(entry.name);
    }
    if (small.size() > most_small_files)
        chosen.insert(chosen.end(), small.begin(), small.end());
    return chosen;
}

class NewFiles {
  public:
    NewFiles(Vault::State& vault, Lease& lease) : vault_(vault), lease_(lease) {}

    Result<void> add(PackRecord record) {
        const auto [known, fresh] = known_.emplace(record.id, record.entries.size());
        if (!fresh && known->second == record.entries.size())
            return {};
        if (!records_.empty() &&
            (records_.size() >= packs_per_file || entries_ + record.entries.size() > entries_per_file))
            TRY(flush());
        entries_ += record.entries.size();
        records_.push_back(std::move(record));
        return {};
    }

    Result<void> flush() {
        if (records_.empty())
            return {};
        TRY(lease_.hold());
        const auto name = index_name(crypto::random_bytes(16));
        const auto sealed = seal_index(vault_.keyring, name, records_);
        io::TextSource source(sealed);
        TRY(vault_.location->create(name, source));
        records_.clear();
        entries_ = 0;
        return {};
    }

  private:
    Vault::State& vault_;
    Lease& lease_;
    std::vector<PackRecord> records_;
    std::size_t entries_ = 0;
    std::unordered_map<PackId, std::size_t, IdHash> known_;
};

} // namespace

Result<void> rewrite_index(Vault::State& vault, Lease& lease, const PackSet& gone) {
    const auto old = TRY(choose(vault, gone));
    NewFiles files(vault, lease);
    for (const auto& name : old) {
        auto records = read_records(vault, name);
        if (!records.ok() && records.error().kind == Kind::corrupt)
            continue;
        for (auto& record : TRY(std::move(records)))
            if (!gone.contains(record.id))
                TRY(files.add(std::move(record)));
    }
    TRY(files.flush());
    for (const auto& name : old) {
        TRY(lease.hold());
        TRY(vault.location->remove(name));
    }
    return vault.refresh_index();
}

} // namespace respawn::vault
