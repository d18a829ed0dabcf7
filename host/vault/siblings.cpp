// Reading from another location of the same vault what is missing or damaged here.
#include "vault/removal.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_met = 1 << 20; // damaged blobs kept in memory; check finds the others

// A wrong answer here is no reason to ask elsewhere: the person, or a mistake of this program's.
bool may_be_elsewhere(const Error& error) {
    return error.kind != Kind::cancelled && error.kind != Kind::internal && error.kind != Kind::usage;
}

} // namespace

// One that cannot be opened, or turns out to be another vault, is not asked again.
Vault* Vault::State::open_sibling(Asked& asked) {
    if (std::exchange(asked.tried, true))
        return asked.vault.get();
    auto opened = asked.sibling.open();
    if (opened.ok() && opened.value()->id() == hex_id)
        asked.vault = std::move(opened).value();
    return asked.vault.get();
}

Result<std::string> Vault::State::blob_elsewhere(const ChunkId& id, BlobKind kind,
                                                 const Error& reason) {
    if (alone > 0 || !may_be_elsewhere(reason))
        return reason;
    return ask_siblings(id, kind, reason);
}

Result<std::string> Vault::State::ask_siblings(const ChunkId& id, BlobKind kind, const Error& reason) {
    const std::scoped_lock lock(asking);
    for (auto& asked : siblings) {
        auto* vault = open_sibling(asked);
        auto found = vault ? vault->state_->own_blob(id, kind) : Result<std::string>(reason);
        if (!found.ok())
            continue;
        if (!std::exchange(asked.told, true))
            warnings.push_back(fmt::format("{}: {}; read from {} instead", location->url(), reason.why,
                                           asked.sibling.name));
        return found;
    }
    return reason;
}

Result<Snapshot> Vault::State::snapshot_elsewhere(std::string_view id, const Error& reason) {
    if (alone > 0 || !may_be_elsewhere(reason))
        return reason;
    const std::scoped_lock lock(asking);
    for (auto& asked : siblings)
        if (auto* vault = open_sibling(asked))
            if (auto found = vault->state_->snapshot(id); found.ok())
                return found;
    return reason;
}

// The list of names is enough to see that nothing is missing here: nobody is opened for that.
Result<std::vector<Snapshot>> Vault::State::snapshots_elsewhere(const std::vector<std::string>& known) {
    std::vector<Snapshot> all;
    std::optional<std::set<std::string>> passed_over;
    const std::scoped_lock lock(asking);
    for (auto& asked : siblings) {
        const auto listed = asked.sibling.location->list("snapshots/");
        for (const auto& entry : listed.ok() ? listed.value() : std::vector<location::Entry>()) {
            const auto id = snapshot_from_name(entry.name);
            if (id.empty() || std::ranges::binary_search(known, id))
                continue;
            if (!passed_over)
                passed_over = vault::removed_ids(TRY(list_tombstones(*this)));
            auto* vault = passed_over->contains(id) ? nullptr : open_sibling(asked);
            if (!vault)
                continue;
            if (vault::removed_ids(TRY(list_tombstones(*vault->state_))).contains(id))
                continue;
            if (auto found = vault->state_->snapshot(id); found.ok()) {
                passed_over->insert(id); // one of it is enough
                all.push_back(std::move(found).value());
            }
        }
    }
    return all;
}

void Vault::State::meet_damage(const Place& place, const ChunkId& id) {
    if (alone > 0)
        return;
    const std::scoped_lock lock(shared);
    if (met_damaged.size() < most_met)
        met_damaged.emplace(place.pack, id);
}

// Where the cache has no room, check finds it again.
void Vault::State::remember_met_damage() {
    if (met_damaged.empty())
        return;
    auto places = read_bad_places(*this);
    places.insert(met_damaged.begin(), met_damaged.end());
    (void)write_bad_places(*this, places);
    met_damaged.clear();
}

void Vault::read_also(std::vector<Sibling> siblings) {
    const std::scoped_lock lock(state_->asking);
    state_->siblings.clear();
    for (auto& sibling : siblings)
        state_->siblings.push_back({ .sibling = std::move(sibling), .vault = {} });
}

std::vector<std::string> Vault::take_warnings() {
    const std::scoped_lock lock(state_->asking);
    return std::exchange(state_->warnings, {});
}

Result<std::vector<std::string>> Vault::removed_ids() {
    const auto ids = vault::removed_ids(TRY(list_tombstones(*state_)));
    return std::vector<std::string>(ids.begin(), ids.end());
}

std::optional<BlobKind> Vault::kind_of(const ChunkId& id) const {
    const auto places = state_->places(id);
    return places.empty() ? std::nullopt
                          : std::optional(static_cast<BlobKind>(places.front().flags & 0xff));
}

std::size_t Vault::known_damage() const { return read_bad_places(*state_).size(); }

} // namespace respawn::vault
