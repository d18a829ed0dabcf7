// The keyring: what is in it and how it is encoded.
#include "vault/keyring.h"

#include "base/time.h"
#include "base/value.h"
#include "crypto/public_key.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t slot_id_size = 8;

std::string readme_text(std::string_view url) {
    return fmt::format(
        "This folder is a vault of respawn: encrypted backups of a game's data.\n"
        "Written by respawn " RESPAWN_VERSION ", vault format {0}.\n"
        "\n"
        "To restore the newest backup you need the program respawn (this version or a later one),\n"
        "this folder, and what opens the vault, kept somewhere else: its key file (64 hex digits),\n"
        "or a passphrase or recovery key (--passphrase-file or --recovery-key-file). Then:\n"
        "\n"
        "    respawn restore latest --location {1} --key-file KEY-FILE --to NEW-FOLDER\n"
        "\n"
        "To see what is here:   respawn list --location {1} --key-file KEY-FILE\n"
        "To prove it is sound:  respawn check --read-data --location {1} --key-file KEY-FILE\n"
        "\n"
        "If the folder was moved, write its new place behind --location.\n"
        "Without one of its keys nothing here can be read, by anyone. Do not change or delete files\n"
        "here by hand. How every byte is laid out: docs/vault-format.md in respawn's source.\n",
        format_version, url);
}

Value blob(std::string_view bytes) { return Blob{ std::string(bytes) }; }

Value encode_epochs(const Keyring& keyring) {
    Value::List list;
    for (const auto& [number, key] : keyring.epochs)
        list.push_back(
            Value::Map{ { "number", std::int64_t{ number } }, { "key", blob(key.bytes()) } });
    return list;
}

Value encode_slot(const Slot& slot) {
    return Value::Map{ { "id", blob(slot.id) },
                       { "kind", std::int64_t{ static_cast<std::uint8_t>(slot.kind) } },
                       { "label", slot.label },
                       { "created", slot.created },
                       { "parameters", blob(slot.parameters) },
                       { "public_key", blob(slot.public_key) },
                       { "replaces", blob(slot.replaces) },
                       { "confirmed", slot.confirmed } };
}

Result<std::string> blob_at(const Value& map, std::string_view name) {
    const auto* found = map.at(name).blob();
    if (!found)
        return damaged(fmt::format("the keyring has no {}", name));
    return found->bytes;
}

Result<crypto::Key> key_at(const Value& map, std::string_view name) {
    const auto bytes = TRY(blob_at(map, name));
    if (bytes.size() != crypto::Key::size)
        return damaged(fmt::format("the keyring has no {}", name));
    return crypto::Key::from_bytes(bytes);
}

Result<std::map<std::uint32_t, crypto::Key>> decode_epochs(const Value& list) {
    std::map<std::uint32_t, crypto::Key> epochs;
    if (const auto* items = list.list())
        for (const auto& item : *items)
            epochs.insert_or_assign(static_cast<std::uint32_t>(item.integer_at("number")),
                                    TRY(key_at(item, "key")));
    if (epochs.empty())
        return damaged("the keyring has no epoch");
    return epochs;
}

Result<Slot> decode_slot(const Value& map) {
    auto id = TRY(blob_at(map, "id"));
    auto parameters = TRY(blob_at(map, "parameters"));
    auto public_key = TRY(blob_at(map, "public_key"));
    auto replaces = TRY(blob_at(map, "replaces"));
    Slot slot{ .id = std::move(id),
               .kind = static_cast<SlotKind>(map.integer_at("kind")),
               .label = map.text_at("label"),
               .created = map.integer_at("created"),
               .parameters = std::move(parameters),
               .public_key = std::move(public_key),
               .replaces = std::move(replaces),
               .confirmed = map.integer_at("confirmed") };
    if (slot.id.size() != slot_id_size || slot.public_key.size() != crypto::public_key_size)
        return damaged("the keyring has a slot of a wrong form");
    return slot;
}

Result<std::vector<Slot>> decode_slots(const Value& list) {
    std::vector<Slot> slots;
    if (const auto* items = list.list())
        for (const auto& item : *items)
            slots.push_back(TRY(decode_slot(item)));
    if (slots.empty() || slots.size() > most_slots)
        return damaged(fmt::format("the keyring has {} slots", slots.size()));
    return slots;
}

} // namespace

Result<Slot> Slot::make(const Unlock& unlock, std::string label) {
    TRY(unlock.must_be_strong());
    Slot slot{ .id = crypto::random_bytes(slot_id_size),
               .kind = unlock.kind(),
               .label = std::move(label),
               .created = now().microseconds,
               .parameters = unlock.fresh_parameters(),
               .public_key = {},
               .replaces = {} };
    slot.public_key = crypto::public_key_of(TRY(unlock.slot_key(slot.parameters)));
    return slot;
}

std::string encode_keyring(const Keyring& keyring) {
    Value::List slots;
    for (const auto& slot : keyring.slots)
        slots.push_back(encode_slot(slot));
    return encode(Value::Map{ { "vault", blob(keyring.vault) },
                              { "epochs", encode_epochs(keyring) },
                              { "ids", blob(keyring.ids.bytes()) },
                              { "chunker", blob(keyring.chunker.bytes()) },
                              { "purposes", blob(keyring.purposes.bytes()) },
                              { "readme", keyring.readme },
                              { "slots", std::move(slots) } });
}

Result<Keyring> decode_keyring(std::string_view bytes) {
    const auto map = TRY(decode(bytes));
    auto vault = TRY(blob_at(map, "vault"));
    if (vault.size() != 16)
        return damaged("the keyring names no vault");
    auto epochs = TRY(decode_epochs(map.at("epochs")));
    auto ids = TRY(key_at(map, "ids"));
    auto chunker = TRY(key_at(map, "chunker"));
    auto purposes = TRY(key_at(map, "purposes"));
    auto slots = TRY(decode_slots(map.at("slots")));
    return Keyring{ .vault = std::move(vault),
                    .epochs = std::move(epochs),
                    .ids = std::move(ids),
                    .chunker = std::move(chunker),
                    .purposes = std::move(purposes),
                    .readme = map.text_at("readme"),
                    .slots = std::move(slots),
                    .opened = {} };
}

std::uint32_t Keyring::newest() const { return epochs.rbegin()->first; }

void Keyring::begin_epoch() { epochs.insert_or_assign(newest() + 1, crypto::Key::random()); }

Keyring Keyring::make(std::string_view url) {
    return { .vault = crypto::random_bytes(16),
             .epochs = { { 1, crypto::Key::random() } },
             .ids = crypto::Key::random(),
             .chunker = crypto::Key::random(),
             .purposes = crypto::Key::random(),
             .readme = readme_text(url),
             .slots = {},
             .opened = {} };
}

Result<crypto::Key> Keyring::epoch_key(std::uint32_t epoch, std::string_view use) const {
    const auto found = epochs.find(epoch);
    if (found == epochs.end())
        return damaged(fmt::format("it names the key epoch {}, which this vault does not have", epoch));
    return crypto::derive(found->second, fmt::format("respawn vault 1 {}", use));
}

const Slot* Keyring::slot(std::string_view id) const {
    const auto found = std::ranges::find(slots, id, &Slot::id);
    return found == slots.end() ? nullptr : &*found;
}

Identifier::Identifier(const Keyring& keyring) {
    for (std::size_t kind = 0; kind < macs_.size(); ++kind)
        macs_[kind] = std::make_unique<crypto::Mac>(
            crypto::derive(keyring.ids, fmt::format("respawn vault 1 id {}", kind)));
}

ChunkId Identifier::operator()(BlobKind kind, std::string_view plain) const {
    const auto& mac = *macs_[static_cast<std::size_t>(kind) % macs_.size()];
    return id_from<ChunkId>(std::string_view(mac(plain)).substr(0, 16));
}

} // namespace respawn::vault
