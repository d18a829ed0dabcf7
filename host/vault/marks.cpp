#include "vault/marks.h"

#include "base/bytes.h"
#include "vault/document.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::string_view marks_magic = "RSPD", waits_magic = "RSPV", marks_use = "keeping";
constexpr std::string_view marks_folder = "marks/", waits_suffix = ".waits";

Result<void> put(Vault::State& vault, const std::string& name, std::string_view kind,
                 std::string_view plain) {
    const auto sealed = seal_document(vault.keyring, kind, marks_use, name, plain);
    io::TextSource source(sealed);
    return vault.location->create(name, source);
}

Result<PackSet> read_packs(Vault::State& vault, const std::string& name) {
    const auto bytes = TRY(vault.location->read(name, { 0, max_document }));
    const auto plain =
        TRY(open_document(TRY(vault.keyring_for_document(bytes)), marks_magic, marks_use, name, bytes));
    if (plain.size() % 16 != 0)
        return damaged(fmt::format("{} is no list of packs", name));
    PackSet packs;
    for (std::size_t at = 0; at < plain.size(); at += 16)
        packs.insert(id_from<PackId>(std::string_view(plain).substr(at, 16)));
    return packs;
}

Result<std::vector<std::string>> read_waits(Vault::State& vault, const std::string& name) {
    const auto bytes = TRY(vault.location->read(name, { 0, max_document }));
    const auto value = TRY(decode(TRY(
        open_document(TRY(vault.keyring_for_document(bytes)), waits_magic, marks_use, name, bytes))));
    std::vector<std::string> pendings;
    for (const auto& pending : value.list() ? *value.list() : Value::List{})
        if (pending.text())
            pendings.push_back(*pending.text());
    return pendings;
}

// Without its list of waits a mark waits for everybody.
Result<void> add_waits(Vault::State& vault, Mark& mark, const std::string& name) {
    mark.files.push_back(name);
    auto waits = read_waits(vault, name);
    if (waits.ok())
        mark.waits = std::move(waits).value();
    else if (waits.error().kind != Kind::corrupt && waits.error().kind != Kind::missing)
        return waits.error();
    return {};
}

} // namespace

PackSet Marks::packs() const {
    PackSet all;
    for (const auto& mark : list)
        all.insert(mark.packs.begin(), mark.packs.end());
    return all;
}

// A mark that is gone again when it is read was worked off: its packs are deleted.
Result<Marks> list_marks(Vault::State& vault) {
    Marks marks;
    for (const auto& entry : TRY(vault.location->list(marks_folder))) {
        const auto id = entry.name.substr(marks_folder.size());
        if (id.ends_with(waits_suffix)) {
            const bool follows =
                !marks.list.empty() && marks.list.back().id + std::string(waits_suffix) == id;
            if (follows)
                TRY(add_waits(vault, marks.list.back(), entry.name));
            else
                marks.unreadable.push_back(entry.name);
            continue;
        }
        auto packs = read_packs(vault, entry.name);
        if (packs.ok())
            marks.list.push_back({ id, std::move(packs).value(), {}, { entry.name } });
        else if (packs.error().kind == Kind::corrupt)
            marks.unreadable.push_back(entry.name);
        else if (packs.error().kind != Kind::missing)
            return packs.error();
    }
    return marks;
}

Result<Mark> write_mark(Vault::State& vault, const PackSet& packs) {
    std::string plain;
    for (const auto& pack : packs)
        plain.append(view(pack));
    const auto id = respawn::to_hex(crypto::random_bytes(16));
    const auto name = fmt::format("{}{}", marks_folder, id);
    TRY(put(vault, name, marks_magic, plain));
    return Mark{ id, packs, {}, { name } };
}

Result<void> write_waits(Vault::State& vault, Mark& mark, const std::vector<std::string>& pendings) {
    const auto name = fmt::format("{}{}{}", marks_folder, mark.id, waits_suffix);
    auto written = put(vault, name, waits_magic, encode(Value::List(pendings.begin(), pendings.end())));
    if (!written.ok())
        return written;
    mark.files.push_back(name);
    mark.waits = pendings;
    return {};
}

std::string mark_fault(Vault::State& vault, std::string_view name, std::string_view bytes) {
    const bool waits = name.ends_with(waits_suffix);
    const auto ring = vault.keyring_for_document(bytes);
    if (!ring.ok())
        return ring.error().why;
    const auto opened =
        open_document(ring.value(), waits ? waits_magic : marks_magic, marks_use, name, bytes);
    return opened.ok() ? std::string() : opened.error().why;
}

} // namespace respawn::vault
