// Slot files.
#include "vault/keys.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/public_key.h"
#include "vault/keyring.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace respawn::vault {

namespace {

constexpr std::string_view slots_magic = "RSPV";
constexpr std::size_t largest_slots = 1 << 20;
constexpr std::size_t slots_head_size = 28, hash_size = 32, slot_id_bytes = 8;

std::string header(unsigned number, std::string_view vault) {
    return ByteWriter().raw(slots_magic).u8(format_version).u8(0).u16(0).u32(number).raw(vault).take();
}

// One slot as it stands open in the file.
struct OpenSlot {
    std::uint8_t kind = 0;
    std::string_view id, parameters, wrapped;
};

std::string beginning(const OpenSlot& slot) {
    return ByteWriter().u8(slot.kind).raw(slot.id).text(slot.parameters).take();
}

Result<std::vector<OpenSlot>> read_slots(ByteReader& reader) {
    const auto count = TRY(reader.u8());
    std::vector<OpenSlot> slots;
    for (int at = 0; at < count; ++at) {
        const auto kind = TRY(reader.u8());
        auto id = TRY(reader.raw(slot_id_bytes));
        auto parameters = TRY(reader.text());
        auto wrapped = TRY(reader.text());
        slots.push_back({ .kind = kind,
                          .id = std::move(id),
                          .parameters = std::move(parameters),
                          .wrapped = std::move(wrapped) });
    }
    const auto passphrases =
        std::ranges::count(slots, static_cast<std::uint8_t>(SlotKind::passphrase), &OpenSlot::kind);
    if (slots.size() > most_slots || passphrases > static_cast<std::ptrdiff_t>(most_passphrases))
        return damaged(
            fmt::format("it has {} key slots, {} of them passphrases", slots.size(), passphrases));
    return slots;
}

struct Opened {
    crypto::Key ring;
    std::string slot;
};

// The ring key out of the first slot that this opens. A slot that asks for an unfair cost is passed
// over, and named when no other opens.
Result<std::optional<Opened>> unwrap(const std::vector<OpenSlot>& slots, std::string_view head,
                                     const Unlock& unlock) {
    std::optional<Error> refused;
    for (const auto& slot : slots) {
        if (slot.kind != static_cast<std::uint8_t>(unlock.kind()))
            continue;
        const auto key = unlock.slot_key(slot.parameters);
        if (!key.ok()) {
            refused = key.error();
            continue;
        }
        const auto opened =
            crypto::open_sealed(key.value(), std::string(head) + beginning(slot), slot.wrapped);
        if (opened.ok())
            return std::optional(
                Opened{ TRY(crypto::Key::from_bytes(opened.value())), std::string(slot.id) });
    }
    if (refused)
        return *refused;
    return std::optional<Opened>();
}

std::string kinds_of(const std::vector<OpenSlot>& slots) {
    std::vector<std::string> names;
    for (const auto& slot : slots) {
        const std::string name(name_of(static_cast<SlotKind>(slot.kind)));
        if (std::ranges::find(names, name) == names.end())
            names.push_back(name);
    }
    return join(names, ", ");
}

Error does_not_open(const Unlock& unlock, const std::vector<OpenSlot>& slots) {
    const auto kind = name_of(unlock.kind());
    return Error{ .kind = Kind::denied,
                  .why = fmt::format("this {} does not open the vault: it is not one of its keys",
                                     unlock.kind() == SlotKind::key_file ? "key" : kind),
                  .fix = fmt::format("name what belongs to this vault (key_file: or passphrase: in the "
                                     "configuration, --key-file, --passphrase-file or "
                                     "--recovery-key-file); it has slots for: {}",
                                     kinds_of(slots)) };
}

// Damage in one copy is made good by the other; a wrong key is wrong for both.
Result<Keyring> read_file(location::Location& location, unsigned number, const Unlock& unlock) {
    std::optional<Error> reason;
    for (const auto& name : { slot_name(number), copy_of(slot_name(number)) }) {
        const auto bytes = location.read(name, { 0, largest_slots });
        auto opened = bytes.ok() ? open_slots(bytes.value(), number, unlock) : bytes.error();
        if (opened.ok() ||
            (opened.error().kind != Kind::corrupt && opened.error().kind != Kind::missing))
            return opened;
        if (!reason || reason->kind == Kind::missing)
            reason = opened.error();
    }
    return *reason;
}

// A key that was exchanged is told from one that never was the vault's. Not for passphrases: trying
// takes long.
Error told_apart(location::Location& location, const std::vector<unsigned>& numbers,
                 const Unlock& unlock, Error denied) {
    constexpr std::size_t most_tried = 8;
    if (unlock.kind() == SlotKind::passphrase)
        return denied;
    const auto tried = std::min(most_tried, numbers.size() - 1);
    for (auto number = numbers.rbegin() + 1; number != numbers.rbegin() + 1 + tried; ++number)
        if (read_file(location, *number, unlock).ok()) {
            denied.why = fmt::format("this key was taken out of use: it opens {}, but not {}, which is "
                                     "in force",
                                     slot_name(*number), slot_name(numbers.back()));
            denied.fix =
                "take the key that replaced it: `respawn keys rotate` put it in the key file's "
                "place, on the machine where it ran; copy that file here";
            return denied;
        }
    return denied;
}

} // namespace

std::string slot_name(unsigned number) { return fmt::format("keys/{:04}", number); }
std::string copy_of(std::string_view name) { return fmt::format("{}.copy", name); }

Result<std::string> seal_slots(const Keyring& keyring, unsigned number) {
    const auto head = header(number, keyring.vault);
    const auto ring = crypto::Key::random();
    ByteWriter writer;
    writer.raw(head).u8(static_cast<std::uint8_t>(keyring.slots.size()));
    for (const auto& slot : keyring.slots) {
        const auto open =
            beginning({ static_cast<std::uint8_t>(slot.kind), slot.id, slot.parameters, {} });
        writer.raw(open).text(TRY(crypto::seal_to(slot.public_key, head + open, ring.bytes())));
    }
    const auto box = crypto::seal_box(ring, writer.bytes(), encode_keyring(keyring));
    writer.text(box);
    writer.raw(crypto::sha256(writer.bytes()));
    return writer.take();
}

std::string slots_fault(std::string_view bytes) {
    if (bytes.size() < slots_head_size + hash_size || bytes.substr(0, 4) != slots_magic)
        return "it is no key slot file, or is cut short";
    const auto body = bytes.substr(0, bytes.size() - hash_size);
    return crypto::sha256(body) == bytes.substr(body.size()) ? "" : "its bytes are damaged";
}

Result<Keyring> open_slots(std::string_view bytes, unsigned number, const Unlock& unlock) {
    if (const auto fault = slots_fault(bytes); !fault.empty())
        return damaged(fmt::format("{}: {}", slot_name(number), fault));
    const auto body = bytes.substr(0, bytes.size() - hash_size);
    if (static_cast<std::uint8_t>(bytes[4]) != format_version)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the vault has format {}, this version reads format {}",
                                         static_cast<int>(bytes[4]), format_version),
                      .fix = "use the version of respawn that readme.txt in the vault names" };
    const auto head = body.substr(0, slots_head_size);
    if (head != header(number, head.substr(12)))
        return damaged(fmt::format("{} has the header of another file", slot_name(number)));
    ByteReader reader(body.substr(slots_head_size));
    const auto slots = TRY(read_slots(reader));
    const auto opened = TRY(unwrap(slots, head, unlock));
    if (!opened)
        return does_not_open(unlock, slots);
    const auto before = body.substr(0, body.size() - reader.left());
    auto keyring = TRY(decode_keyring(TRY(crypto::open_box(opened->ring, before, TRY(reader.text())))));
    TRY(reader.must_be_at_end());
    if (keyring.vault != head.substr(12))
        return damaged(fmt::format("{} holds the keys of another vault", slot_name(number)));
    keyring.number = number;
    keyring.opened = opened->slot;
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

Result<Keyring> read_keyring(location::Location& location, const Unlock& unlock) {
    const auto numbers = TRY(slot_numbers(location));
    if (numbers.empty())
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("there is no vault in {}", location.url()),
                      .fix = "check the location; `respawn backup` makes a vault in an empty place" };
    std::optional<Error> newest_fault;
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        auto read = read_file(location, *number, unlock);
        if (read.ok()) {
            read.value().outdated = newest_fault.has_value();
            return read;
        }
        if (read.error().kind == Kind::denied && !newest_fault)
            return told_apart(location, numbers, unlock, read.error());
        if (!newest_fault)
            newest_fault = read.error();
        if (newest_fault->kind != Kind::corrupt)
            break;
    }
    return *newest_fault;
}

} // namespace respawn::vault
