// Making and opening a vault.
#include "vault/vault.h"

#include "base/bytes.h"
#include "vault/state.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t cached_blobs = 32 << 20, cached_lists = 8 << 20; // bytes

Result<void> put(location::Location& location, std::string_view name, std::string_view bytes) {
    io::TextSource source(bytes);
    return location.create(name, source);
}

Error not_empty(const location::Location& location, const location::Entry& entry) {
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} is not empty: {} is there", location.url(), entry.name),
                  .fix = "name an empty or missing folder for a new vault" };
}

} // namespace

Vault::State::State(std::shared_ptr<location::Location> at, Keyring keys, Unlock with, io::Path folder,
                    io::Path shared_folder)
    : location(std::move(at)), keyring(std::move(keys)), unlock(std::move(with)), identify(keyring),
      cache(std::move(folder)), memory(shared_folder.empty() ? cache : std::move(shared_folder)),
      hex_id(respawn::to_hex(keyring.vault)), blobs(cached_blobs), lists(cached_lists) {}

Vault::State::~State() { remember_met_damage(); }

Vault::Vault(std::unique_ptr<State> state) : state_(std::move(state)) {}
Vault::~Vault() = default;

// The slot comes first: as soon as it is there, so is the vault, and what is still missing is written
// by the next backup.
Result<std::unique_ptr<Vault>> Vault::create(std::shared_ptr<location::Location> location,
                                             const Unlock& unlock, io::Path cache, io::Path memory) {
    const auto there = TRY(location->list("").while_doing("make a vault", location->url()));
    if (!there.empty())
        return Result<void>(not_empty(*location, there.front()))
            .while_doing("make a vault", location->url())
            .error();
    auto keyring = Keyring::make(location->url());
    keyring.slots.push_back(TRY(Slot::make(unlock, "the first key")));
    TRY(put(*location, slot_name(1), TRY(seal_slots(keyring, 1)))
            .while_doing("make a vault", location->url()));
    auto vault = TRY(open(location, unlock, std::move(cache), std::move(memory)));
    TRY(vault->state_->complete_creation().while_doing("make a vault", location->url()));
    return vault;
}

Result<std::unique_ptr<Vault>> Vault::open(std::shared_ptr<location::Location> location,
                                           const Unlock& unlock, io::Path cache, io::Path memory) {
    const auto url = location->url();
    auto keyring = TRY(read_keyring(*location, unlock).while_doing("open the vault", url));
    TRY(io::make_folder(cache).while_doing("open the vault's cache", cache.string()));
    if (!memory.empty())
        TRY(io::make_folder(memory).while_doing("open the vault's memory", memory.string()));
    auto state = std::make_unique<State>(std::move(location), std::move(keyring), unlock,
                                         std::move(cache), std::move(memory));
    TRY(state->refresh_index().while_doing("read the vault's index", url));
    return std::unique_ptr<Vault>(new Vault(std::move(state)));
}

Result<void> Vault::State::complete_creation() {
    TRY(refresh_keyring());
    if (keyring.outdated)
        return Error{ .kind = Kind::corrupt,
                      .why = "the newest key slots are damaged in both copies, and older ones may be "
                             "known to people who were shut out: nothing is stored under them",
                      .fix = "bring back the newest file of keys/ from another copy of the vault, or "
                             "write them anew: respawn keys rotate" };
    const auto name = slot_name(keyring.number);
    for (const auto& [to, from] : { std::pair{ name, copy_of(name) }, { copy_of(name), name } }) {
        const auto there = location->read(to, { 0, 1 });
        const auto bytes = location->read(from, { 0, max_document });
        if (!there.ok() && there.error().kind == Kind::missing && slots_fault(TRY(bytes)).empty())
            TRY(put(*location, to, bytes.value()));
    }
    const auto readme = location->read(readme_name, { 0, 1 });
    if (!readme.ok() && readme.error().kind == Kind::missing)
        TRY(put(*location, readme_name, keyring.readme));
    return {};
}

const std::string& Vault::id() const { return state_->hex_id; }

std::string Vault::url() const { return state_->location->url(); }

crypto::Key Vault::purpose_key(std::string_view purpose) const {
    return crypto::derive(state_->keyring.purposes, fmt::format("respawn vault 1 purpose {}", purpose));
}

} // namespace respawn::vault
