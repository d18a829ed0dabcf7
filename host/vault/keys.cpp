#include "vault/keys.h"

#include "base/bytes.h"
#include "base/value.h"

#include <fmt/format.h>
#include <optional>

namespace respawn::vault {

namespace {

constexpr std::string_view magic = "RSPV";
constexpr std::uint8_t key_file_slot = 1;
constexpr std::size_t largest_slots = 1 << 20;
constexpr std::size_t head_size = 28, hash_size = 32;

std::string readme_text(std::string_view url) {
    return fmt::format(
        "This folder is a vault of respawn: encrypted backups of a game's data.\n"
        "Written by respawn " RESPAWN_VERSION ", vault format {0}.\n"
        "\n"
        "To restore the newest backup you need the program respawn (this version or a later one),\n"
        "this folder, and the vault's key file (64 hex digits, kept somewhere else). Then:\n"
        "\n"
        "    respawn restore latest --location {1} --key-file KEY-FILE --to NEW-FOLDER\n"
        "\n"
        "To see what is here:   respawn list --location {1} --key-file KEY-FILE\n"
        "To prove it is sound:  respawn check --read-data --location {1} --key-file KEY-FILE\n"
        "\n"
        "If the folder was moved, write its new place behind --location.\n"
        "Without the key file nothing here can be read, by anyone. Do not change or delete files\n"
        "here by hand. How every byte is laid out: docs/vault-format.md in respawn's source.\n",
        format_version, url);
}

Value encode_epochs(const Keyring& keyring) {
    Value::List list;
    for (const auto& [number, key] : keyring.epochs)
        list.push_back(Value::Map{ { "number", std::int64_t{ number } },
                                   { "key", Blob{ std::string(key.bytes()) } } });
    return list;
}

std::string encode_keyring(const Keyring& keyring) {
    const auto blob = [](std::string_view bytes) { return Value(Blob{ std::string(bytes) }); };
    return encode(Value::Map{ { "vault", blob(keyring.vault) },
                              { "epochs", encode_epochs(keyring) },
                              { "ids", blob(keyring.ids.bytes()) },
                              { "chunker", blob(keyring.chunker.bytes()) },
                              { "purposes", blob(keyring.purposes.bytes()) },
                              { "readme", keyring.readme } });
}

Result<crypto::Key> key_at(const Value& map, std::string_view name) {
    const auto* blob = map.at(name).blob();
    if (!blob || blob->bytes.size() != crypto::Key::size)
        return damaged(fmt::format("the keyring has no {}", name));
    return crypto::Key::from_bytes(blob->bytes);
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

Result<Keyring> decode_keyring(std::string_view bytes) {
    const auto map = TRY(decode(bytes));
    const auto* vault = map.at("vault").blob();
    if (!vault || vault->bytes.size() != 16)
        return damaged("the keyring names no vault");
    return Keyring{ .vault = vault->bytes,
                    .epochs = TRY(decode_epochs(map.at("epochs"))),
                    .ids = TRY(key_at(map, "ids")),
                    .chunker = TRY(key_at(map, "chunker")),
                    .purposes = TRY(key_at(map, "purposes")),
                    .readme = map.text_at("readme") };
}

crypto::Key slot_key(const crypto::Key& key) { return crypto::derive(key, "respawn vault 0 slot"); }

std::string header(unsigned number, std::string_view vault) {
    return ByteWriter().raw(magic).u8(format_version).u8(0).u16(0).u32(number).raw(vault).take();
}

// The ring key out of the slots that follow the header, or nothing when none is for this key.
Result<std::optional<crypto::Key>> unwrap(ByteReader& reader, std::string_view head,
                                          const crypto::Key& key) {
    std::optional<crypto::Key> ring;
    const auto count = TRY(reader.u8());
    for (int slot = 0; slot < count; ++slot) {
        const auto kind = TRY(reader.u8());
        TRY(reader.text()); // what a kind needs besides; a key file needs nothing
        const auto box = TRY(reader.text());
        if (kind != key_file_slot || ring)
            continue;
        if (const auto opened = crypto::open_box(slot_key(key), head, box); opened.ok())
            ring = TRY(crypto::Key::from_bytes(opened.value()));
    }
    return ring;
}

Error wrong_key() {
    return Error{ .kind = Kind::denied,
                  .why = "this key does not open the vault: the vault was made with another one",
                  .fix = "name the key file that belongs to this vault (key_file:, or --key-file)" };
}

// Damage in one copy is made good by the other; a wrong key is wrong for both.
Result<Keyring> read_slots(location::Location& location, unsigned number, const crypto::Key& key) {
    std::optional<Error> reason;
    for (const auto& name : { slot_name(number), copy_of(slot_name(number)) }) {
        const auto bytes = location.read(name, { 0, largest_slots });
        auto opened = bytes.ok() ? open_slots(bytes.value(), number, key) : bytes.error();
        if (opened.ok() || opened.error().kind == Kind::denied)
            return opened;
        if (!reason || reason->kind == Kind::missing)
            reason = opened.error();
    }
    return *reason;
}

} // namespace

Keyring Keyring::make(std::string_view url) {
    return { .vault = crypto::random_bytes(16),
             .epochs = { { 1, crypto::Key::random() } },
             .ids = crypto::Key::random(),
             .chunker = crypto::Key::random(),
             .purposes = crypto::Key::random(),
             .readme = readme_text(url) };
}

Result<crypto::Key> Keyring::epoch_key(std::uint32_t epoch, std::string_view use) const {
    const auto found = epochs.find(epoch);
    if (found == epochs.end())
        return damaged(fmt::format("it names the key epoch {}, which this vault does not have", epoch));
    return crypto::derive(found->second, fmt::format("respawn vault 0 {}", use));
}

std::string slot_name(unsigned number) { return fmt::format("keys/{:04}", number); }
std::string copy_of(std::string_view name) { return fmt::format("{}.copy", name); }

std::string seal_slots(const Keyring& keyring, unsigned number, const crypto::Key& key) {
    const auto head = header(number, keyring.vault);
    const auto ring = crypto::Key::random();
    ByteWriter writer;
    writer.raw(head).u8(1).u8(key_file_slot).text("");
    writer.text(crypto::seal_box(slot_key(key), head, ring.bytes()));
    const auto box = crypto::seal_box(ring, writer.bytes(), encode_keyring(keyring));
    writer.text(box);
    writer.raw(crypto::sha256(writer.bytes()));
    return writer.take();
}

std::string slots_fault(std::string_view bytes) {
    if (bytes.size() < head_size + hash_size || bytes.substr(0, 4) != magic)
        return "it is no key slot file, or is cut short";
    const auto body = bytes.substr(0, bytes.size() - hash_size);
    return crypto::sha256(body) == bytes.substr(body.size()) ? "" : "its bytes are damaged";
}

Result<Keyring> open_slots(std::string_view bytes, unsigned number, const crypto::Key& key) {
    if (const auto fault = slots_fault(bytes); !fault.empty())
        return damaged(fmt::format("{}: {}", slot_name(number), fault));
    const auto body = bytes.substr(0, bytes.size() - hash_size);
    if (static_cast<std::uint8_t>(bytes[4]) != format_version)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the vault has format {}, this version reads format {}",
                                         static_cast<int>(bytes[4]), format_version),
                      .fix = "use the version of respawn that readme.txt in the vault names" };
    const auto head = body.substr(0, head_size);
    if (head != header(number, head.substr(12)))
        return damaged(fmt::format("{} has the header of another file", slot_name(number)));
    ByteReader reader(body.substr(head_size));
    const auto ring = TRY(unwrap(reader, head, key));
    if (!ring)
        return wrong_key();
    const auto wrapped = body.substr(0, body.size() - reader.left());
    auto keyring = TRY(decode_keyring(TRY(crypto::open_box(*ring, wrapped, TRY(reader.text())))));
    TRY(reader.must_be_at_end());
    if (keyring.vault != head.substr(12))
        return damaged(fmt::format("{} holds the keys of another vault", slot_name(number)));
    return keyring;
}

Result<std::vector<unsigned>> slot_numbers(location::Location& location) {
    std::vector<unsigned> numbers;
    for (const auto& entry : TRY(location.list("keys/"))) {
        const auto digits = entry.name.substr(5, 4);
        if (digits.size() != 4 || digits.find_first_not_of("0123456789") != std::string::npos)
            continue;
        const auto number = static_cast<unsigned>(std::stoul(digits));
        const bool ours = entry.name == slot_name(number) || entry.name == copy_of(slot_name(number));
        if (ours && (numbers.empty() || numbers.back() != number))
            numbers.push_back(number);
    }
    return numbers;
}

Result<Keyring> read_keyring(location::Location& location, const crypto::Key& key) {
    const auto numbers = TRY(slot_numbers(location));
    if (numbers.empty())
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("there is no vault in {}", location.url()),
                      .fix = "check the location; `respawn backup` makes a vault in an empty place" };
    return read_slots(location, numbers.back(), key);
}

Identifier::Identifier(const Keyring& keyring) {
    for (std::size_t kind = 0; kind < macs_.size(); ++kind)
        macs_[kind] = std::make_unique<crypto::Mac>(
            crypto::derive(keyring.ids, fmt::format("respawn vault 0 id {}", kind)));
}

ChunkId Identifier::operator()(BlobKind kind, std::string_view plain) const {
    const auto& mac = *macs_[static_cast<std::size_t>(kind) % macs_.size()];
    return id_from<ChunkId>(std::string_view(mac(plain)).substr(0, 16));
}

} // namespace respawn::vault
