#include "vault/index_file.h"

#include "base/bytes.h"
#include "vault/document.h"
#include "vault/pack.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::string_view index_magic = "RSPI", folder = "index/";

Result<PackRecord> decode_pack(ByteReader& reader) {
    PackRecord pack;
    pack.id = id_from<PackId>(TRY(reader.raw(16)));
    pack.sha256 = TRY(reader.raw(32));
    pack.size = TRY(reader.u64());
    const std::uint64_t count = TRY(reader.u32());
    if (pack.size > max_pack || count * entry_size > reader.left())
        return damaged("an index file names a pack that cannot be");
    pack.entries = TRY(decode_entries(TRY(reader.raw(count * entry_size)), pack.size));
    return pack;
}

} // namespace

std::string index_name(std::string_view id) { return std::string(folder) + respawn::to_hex(id); }

Result<std::string> index_from_name(std::string_view name) {
    const auto id = from_hex(name.substr(std::min(name.size(), folder.size())));
    if (!name.starts_with(folder) || !id.ok() || id.value().size() != 16 ||
        index_name(id.value()) != name)
        return damaged(fmt::format("{} is no name of an index file", name));
    return id;
}

std::string seal_index(const Keyring& keyring, std::string_view name,
                       const std::vector<PackRecord>& packs) {
    ByteWriter writer;
    writer.u32(static_cast<std::uint32_t>(packs.size()));
    for (const auto& pack : packs) {
        writer.raw(view(pack.id)).raw(pack.sha256).u64(pack.size);
        writer.u32(static_cast<std::uint32_t>(pack.entries.size())).raw(encode_entries(pack.entries));
    }
    return seal_document(keyring, index_magic, "index", name, writer.bytes());
}

Result<std::vector<PackRecord>> open_index(const Keyring& keyring, std::string_view name,
                                           std::string_view bytes) {
    const auto plain = TRY(open_document(keyring, index_magic, "index", name, bytes));
    ByteReader reader(plain);
    std::vector<PackRecord> packs;
    for (auto count = TRY(reader.u32()); count > 0; --count)
        packs.push_back(TRY(decode_pack(reader)));
    TRY(reader.must_be_at_end());
    return packs;
}

} // namespace respawn::vault
