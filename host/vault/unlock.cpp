#include "vault/unlock.h"

#include "base/bytes.h"
#include "base/text.h"
#include "vault/format.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t salt_size = 16;
constexpr std::size_t least_characters = 12;

struct Stretching {
    crypto::ScryptCost cost;
    std::string_view salt;
};

Result<Stretching> decode_parameters(std::string_view bytes) {
    ByteReader reader(bytes);
    Stretching found;
    found.cost = { TRY(reader.u8()), TRY(reader.u8()), TRY(reader.u8()) };
    found.salt = TRY(reader.raw(salt_size));
    TRY(reader.must_be_at_end());
    TRY(crypto::must_be_fair(found.cost));
    return found;
}

} // namespace

std::string_view name_of(SlotKind kind) {
    switch (kind) {
    case SlotKind::key_file:
        return "key file";
    case SlotKind::passphrase:
        return "passphrase";
    case SlotKind::public_key:
        return "public key";
    case SlotKind::recovery:
        return "recovery key";
    }
    return "unknown";
}

Unlock::Unlock(SlotKind kind, const crypto::Key& key) : kind_(kind), key_(key) {}
Unlock::Unlock(const crypto::Key& key_file) : Unlock(SlotKind::key_file, key_file) {}
Unlock::Unlock(const Unlock& other) = default;
Unlock::Unlock(Unlock&& other) noexcept = default;
Unlock& Unlock::operator=(const Unlock& other) = default;
Unlock& Unlock::operator=(Unlock&& other) noexcept = default;
Unlock::~Unlock() = default;

Unlock Unlock::recovery(const crypto::Key& key) { return { SlotKind::recovery, key }; }

// Blanks at the ends are no part of it: a file ends with a newline, and a configuration's reference is
// read without them too.
Unlock Unlock::passphrase(Secret passphrase, crypto::ScryptCost cost) {
    Unlock unlock(SlotKind::passphrase, crypto::Key());
    unlock.passphrase_ = Secret(passphrase.name(), std::string(trimmed(passphrase.reveal())));
    unlock.cost_ = cost;
    return unlock;
}

std::string Unlock::fresh_parameters() const {
    if (kind_ != SlotKind::passphrase)
        return {};
    const auto salt = crypto::random_bytes(salt_size);
    return ByteWriter().u8(cost_.log2_n).u8(cost_.r).u8(cost_.p).raw(salt).take();
}

Result<crypto::Key> Unlock::slot_key(std::string_view parameters) const {
    if (kind_ != SlotKind::passphrase) {
        if (!parameters.empty())
            return damaged("a key slot has parameters that its kind does not have");
        return crypto::derive(key_, fmt::format("respawn vault 1 slot {}", static_cast<int>(kind_)));
    }
    if (const auto known = stretched_.find(parameters); known != stretched_.end())
        return known->second;
    const auto [cost, salt] = TRY(decode_parameters(parameters));
    auto bytes = TRY(crypto::scrypt(passphrase_.reveal(), salt, cost, crypto::Key::size));
    const auto key = TRY(crypto::Key::from_bytes(bytes));
    const Secret wiped("", std::move(bytes));
    const auto slot = crypto::derive(key, "respawn vault 1 slot 2");
    stretched_.insert_or_assign(std::string(parameters), slot);
    return slot;
}

Result<void> Unlock::must_be_strong() const {
    if (kind_ != SlotKind::passphrase || passphrase_.reveal().size() >= least_characters)
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("the passphrase is shorter than {} characters", least_characters),
                  .fix = "take a longer one, such as five or six random words" };
}

Result<std::string> Unlock::seal(std::string_view purpose, std::string_view plain) const {
    const auto parameters = stretched_.empty() ? fresh_parameters() : stretched_.begin()->first;
    const auto key = crypto::derive(TRY(slot_key(parameters)), purpose);
    return ByteWriter().text(parameters).raw(crypto::seal_box(key, purpose, plain)).take();
}

Result<std::string> Unlock::open(std::string_view purpose, std::string_view sealed) const {
    ByteReader reader(sealed);
    const auto parameters = TRY(reader.text());
    const auto key = crypto::derive(TRY(slot_key(parameters)), purpose);
    return crypto::open_box(key, purpose, TRY(reader.raw(reader.left())));
}

} // namespace respawn::vault
