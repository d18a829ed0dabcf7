// Changing what opens a vault: each change is a new slot file.
#include "base/bytes.h"
#include "base/text.h"
#include "crypto/public_key.h"
#include "vault/keyring.h"
#include "vault/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr int most_attempts = 8;
constexpr unsigned last_number = 9999;
constexpr std::size_t largest_label = 200;

Result<void> put_slots(location::Location& location, const std::string& name, std::string_view bytes) {
    io::TextSource source(bytes);
    return location.create(name, source);
}

// Proved before it counts: what opened the vault opens the new file too, unless it was taken out.
Result<void> must_open(const Keyring& keyring, const std::string& bytes, const Unlock& unlock) {
    if (!keyring.slot(keyring.opened))
        return {};
    const auto opened = TRY(open_slots(bytes, keyring.number, unlock));
    if (opened.epochs != keyring.epochs || !(opened.ids == keyring.ids))
        return Error{ .kind = Kind::internal, .why = "a slot file did not read back as it was made" };
    return {};
}

Result<void> must_have_room(const Keyring& keyring, SlotKind kind) {
    const auto alike = std::ranges::count(keyring.slots, kind, &Slot::kind);
    const bool full =
        keyring.slots.size() >= most_slots ||
        (kind == SlotKind::passphrase && alike >= static_cast<std::ptrdiff_t>(most_passphrases));
    if (!full)
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format(
                      "the vault has {} keys, {} of them of this kind: that is as many as it takes",
                      keyring.slots.size(), alike),
                  .fix = "respawn keys list, then respawn keys remove those that nobody uses" };
}

// The slot that this opens, whether or not it opened the vault now.
Result<Slot*> slot_for(Keyring& keyring, const Unlock& unlock) {
    for (auto& slot : keyring.slots)
        if (slot.kind == unlock.kind() &&
            crypto::public_key_of(TRY(unlock.slot_key(slot.parameters))) == slot.public_key)
            return &slot;
    return static_cast<Slot*>(nullptr);
}

Error no_such_key(std::string_view id) {
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("the vault has no key {}", printable(id)),
                  .fix = "respawn keys list shows them" };
}

Result<std::string> id_from_prefix(const Keyring& keyring, std::string_view hex) {
    std::vector<std::string> found;
    for (const auto& slot : keyring.slots)
        if (!hex.empty() && respawn::to_hex(slot.id).starts_with(hex))
            found.push_back(slot.id);
    if (found.size() > 1)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} keys begin with {}", found.size(), printable(hex)),
                      .fix = "write more of its id" };
    return found.empty() ? Result<std::string>(no_such_key(hex)) : found.front();
}

// Somebody must be left who opens the vault: a recovery key counts once it is known to be stored.
Result<void> must_leave_one(const Keyring& keyring, std::string_view id) {
    for (const auto& slot : keyring.slots)
        if (slot.id != id && (slot.kind == SlotKind::key_file || slot.kind == SlotKind::passphrase ||
                              (slot.kind == SlotKind::recovery && slot.confirmed != 0)))
            return {};
    return Error{ .kind = Kind::denied,
                  .why = "it is the last key that surely opens the vault: without it nobody could read "
                         "the backups any more",
                  .fix = "add another one first: respawn keys add (a recovery key counts once it is "
                         "confirmed: respawn keys confirm-recovery)" };
}

KeySlot view_of(const Keyring& keyring, const Slot& slot) {
    return { .id = respawn::to_hex(slot.id),
             .kind = slot.kind,
             .label = slot.label,
             .created = { slot.created },
             .confirmed = { slot.confirmed },
             .replaces = respawn::to_hex(slot.replaces),
             .opened = slot.id == keyring.opened };
}

std::optional<std::uint32_t> u32_at(std::string_view bytes, std::size_t offset) {
    if (bytes.size() < offset + 4)
        return std::nullopt;
    return ByteReader(bytes.substr(offset, 4)).u32().value();
}

} // namespace

// ---- following what other hosts change ----

Result<void> Vault::State::refresh_keyring() {
    const std::scoped_lock one_at_a_time(refreshing);
    const auto numbers = TRY(slot_numbers(*location));
    if (numbers.empty() || numbers.back() <= keyring.number)
        return {};
    auto fresh = read_keyring(*location, unlock);
    if (!fresh.ok() && fresh.error().kind == Kind::denied)
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("the vault's keys were exchanged while it was open: {}",
                                         fresh.error().why),
                      .fix = fresh.error().fix };
    if (TRY(fresh).number > keyring.number) {
        const std::scoped_lock lock(keys_lock);
        keyring = std::move(fresh).value();
    }
    return {};
}

Result<void> Vault::State::meet_epoch(std::optional<std::uint32_t> epoch) {
    {
        const std::scoped_lock lock(keys_lock);
        if (!epoch || keyring.epochs.contains(*epoch))
            return {};
    }
    return refresh_keyring();
}

Result<void> Vault::State::meet_document(std::string_view bytes) {
    return meet_epoch(u32_at(bytes, 8));
}

Result<Keyring> Vault::State::keyring_for_document(std::string_view bytes) {
    TRY(meet_document(bytes));
    const std::scoped_lock lock(keys_lock);
    return keyring;
}

Result<Keyring> Vault::State::keyring_for_pack(std::string_view bytes) {
    TRY(meet_pack(bytes));
    const std::scoped_lock lock(keys_lock);
    return keyring;
}

Result<void> Vault::State::meet_pack(std::string_view bytes) { return meet_epoch(u32_at(bytes, 40)); }

// ---- changing ----

// Where somebody was faster, the change is made again on what they wrote.
Result<void> Vault::State::change_keys(const std::function<Result<void>(Keyring&)>& change,
                                       bool anyway) {
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto numbers = TRY(slot_numbers(*location));
        auto fresh = TRY(read_keyring(*location, unlock));
        const auto before = encode_keyring(fresh);
        TRY(change(fresh));
        if (!anyway && encode_keyring(fresh) == before) {
            keyring = std::move(fresh);
            return complete_creation();
        }
        // The number after the one that was read: where it is taken, somebody changed the keys since.
        fresh.number = 1 + (fresh.outdated ? numbers.back() : fresh.number);
        if (fresh.number > last_number)
            return Error{ .kind = Kind::unsupported,
                          .why = "a vault's keys change 9998 times at most" };
        const auto bytes = TRY(seal_slots(fresh, fresh.number));
        TRY(must_open(fresh, bytes, unlock));
        const auto written = put_slots(*location, slot_name(fresh.number), bytes);
        if (!written.ok() && written.error().kind == Kind::conflict)
            continue;
        TRY(written);
        TRY(put_slots(*location, copy_of(slot_name(fresh.number)), bytes));
        fresh.outdated = false;
        keyring = std::move(fresh);
        return {};
    }
    return Error{ .kind = Kind::conflict,
                  .why = "others change the vault's keys at the same time, again and again",
                  .fix = "wait until they are done, then do it again" };
}

std::vector<KeySlot> Vault::keys() const {
    std::vector<KeySlot> all;
    for (const auto& slot : state_->keyring.slots)
        all.push_back(view_of(state_->keyring, slot));
    return all;
}

std::uint32_t Vault::epoch() const { return state_->keyring.newest(); }
unsigned Vault::key_file_number() const { return state_->keyring.number; }

Result<KeySlot> Vault::add_key(const Unlock& secret, const std::string& label, bool replaces_opened) {
    if (label.size() > largest_label)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("a label has at most {} bytes", largest_label) };
    std::string id;
    TRY(state_
            ->change_keys([&](Keyring& keyring) -> Result<void> {
                if (const auto* known = TRY(slot_for(keyring, secret))) {
                    id = known->id;
                    return {};
                }
                TRY(must_have_room(keyring, secret.kind()));
                auto slot = TRY(Slot::make(secret, label));
                slot.replaces = replaces_opened ? keyring.opened : "";
                id = slot.id;
                keyring.slots.push_back(std::move(slot));
                return {};
            })
            .while_doing("add a key", url()));
    return view_of(state_->keyring, *state_->keyring.slot(id));
}

Result<void> Vault::remove_key(std::string_view id) {
    return state_
        ->change_keys([&](Keyring& keyring) -> Result<void> {
            const auto whole = TRY(id_from_prefix(keyring, id));
            TRY(must_leave_one(keyring, whole));
            std::erase_if(keyring.slots, [&](const Slot& slot) { return slot.id == whole; });
            keyring.begin_epoch();
            return {};
        })
        .while_doing("remove a key", url());
}

Result<KeySlot> Vault::find_key(std::string_view id) const {
    const auto whole = TRY(id_from_prefix(state_->keyring, id));
    return view_of(state_->keyring, *state_->keyring.slot(whole));
}

Result<void> Vault::begin_epoch() {
    return state_
        ->change_keys([](Keyring& keyring) -> Result<void> {
            keyring.begin_epoch();
            return {};
        })
        .while_doing("begin a new key epoch", url());
}

Result<KeySlot> Vault::confirm_recovery(const Unlock& typed) {
    std::string id;
    TRY(state_
            ->change_keys([&](Keyring& keyring) -> Result<void> {
                auto* slot = TRY(slot_for(keyring, typed));
                if (!slot)
                    return Error{
                        .kind = Kind::denied,
                        .why = "it is typed without a slip, but it is no recovery key of this vault",
                        .fix = "look for the newest one, or make another: respawn keys add --recovery"
                    };
                id = slot->id;
                if (slot->confirmed == 0)
                    slot->confirmed = now().microseconds;
                return {};
            })
            .while_doing("confirm the recovery key", url()));
    return view_of(state_->keyring, *state_->keyring.slot(id));
}

} // namespace respawn::vault
