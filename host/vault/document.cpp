#include "vault/document.h"

#include "base/bytes.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t head_size = 12;

std::string associated(std::string_view head, const Keyring& keyring, std::string_view name) {
    return ByteWriter().raw(head).raw(keyring.vault).raw(name).take();
}

} // namespace

std::string seal_document(const Keyring& keyring, std::string_view magic, std::string_view use,
                          std::string_view name, std::string_view plain) {
    const auto epoch = keyring.newest();
    const auto head = ByteWriter().raw(magic).u8(format_version).u8(0).u16(0).u32(epoch).take();
    const auto key = keyring.epoch_key(epoch, use).value();
    return head + crypto::seal_box(key, associated(head, keyring, name), plain);
}

Result<std::string> open_document(const Keyring& keyring, std::string_view magic, std::string_view use,
                                  std::string_view name, std::string_view bytes) {
    ByteReader reader(bytes);
    const bool ours = TRY(reader.raw(4)) == magic;
    const bool known = TRY(reader.u8()) == format_version && TRY(reader.u8()) == 0;
    const bool plain = TRY(reader.u16()) == 0;
    const auto key = TRY(keyring.epoch_key(TRY(reader.u32()), use));
    if (!ours || !known || !plain)
        return damaged(fmt::format("{} does not begin as it should", name));
    return crypto::open_box(key, associated(bytes.substr(0, head_size), keyring, name),
                            bytes.substr(head_size));
}

} // namespace respawn::vault
