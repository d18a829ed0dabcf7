#include "vault/proof_files.h"

#include "base/id.h"
#include "base/text.h"
#include "vault/document.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::string_view proof_magic = "RSPP", proofs_use = "keeping", proofs_folder = "proofs/";
constexpr std::size_t largest_proof = 1 << 20;
constexpr std::size_t most_values = 100'000;
constexpr std::size_t ulid_size = 26;

std::string with_case(std::string text, bool upper) {
    const char first = upper ? 'a' : 'A', last = upper ? 'z' : 'Z';
    for (auto& c : text)
        c = c >= first && c <= last ? static_cast<char>(c + (upper ? -32 : 32)) : c;
    return text;
}

// proofs/SNAPSHOT-PROOF; the id of the snapshot, empty for another name.
std::string snapshot_of(std::string_view name) {
    const auto ids = name.substr(std::min(proofs_folder.size(), name.size()));
    if (!name.starts_with(proofs_folder) || ids.size() != 2 * ulid_size + 1 || ids[ulid_size] != '-')
        return {};
    const auto id = with_case(std::string(ids.substr(0, ulid_size)), true);
    return is_ulid(id) ? id : std::string();
}

Result<Proof> open_proof(Vault::State& vault, std::string_view name, std::string_view bytes) {
    const auto value = TRY(decode(TRY(open_document(TRY(vault.keyring_for_document(bytes)), proof_magic,
                                                    proofs_use, name, bytes)),
                                  most_values));
    const auto* passed = value.at("passed").boolean();
    if (value.text_at("snapshot") != snapshot_of(name) || !passed)
        return damaged(fmt::format("{} is no proof", printable(name)));
    return Proof{ .snapshot = value.text_at("snapshot"),
                  .at = { value.integer_at("at") },
                  .host = value.text_at("host"),
                  .duration = value.integer_at("duration"),
                  .passed = *passed,
                  .detail = value.at("detail") };
}

// The names of each snapshot's proofs, oldest first.
Result<std::map<std::string, std::vector<std::string>>> names_by_snapshot(Vault::State& vault) {
    std::map<std::string, std::vector<std::string>> names;
    for (const auto& entry : TRY(vault.location->list(proofs_folder)))
        names[snapshot_of(entry.name)].push_back(entry.name);
    return names;
}

} // namespace

std::string proof_fault(Vault::State& vault, std::string_view name, std::string_view bytes) {
    const auto proof = open_proof(vault, name, bytes);
    return proof.ok() ? std::string() : proof.error().why;
}

// What bears no name of a proof stays: it is not ours.
Result<void> remove_old_proofs(Vault::State& vault, const std::set<std::string>& kept) {
    for (const auto& [snapshot, names] : TRY(names_by_snapshot(vault)))
        for (const auto& name : names)
            if (!snapshot.empty() && (!kept.contains(snapshot) || name != names.back()))
                TRY(vault.location->remove(name));
    return {};
}

Result<void> Vault::add_proof(const Proof& proof) {
    const auto name =
        with_case(fmt::format("{}{}-{}", proofs_folder, proof.snapshot, make_ulid(now())), false);
    const auto plain = encode(Value::Map{ { "snapshot", proof.snapshot },
                                          { "at", proof.at.microseconds },
                                          { "host", proof.host },
                                          { "duration", proof.duration },
                                          { "passed", proof.passed },
                                          { "detail", proof.detail } });
    if (plain.size() > largest_proof / 2)
        return Error{ .kind = Kind::internal, .why = "a proof is too large to be kept" };
    TRY(state_->refresh_keyring());
    const auto sealed = seal_document(state_->keyring, proof_magic, proofs_use, name, plain);
    io::TextSource source(sealed);
    return state_->location->create(name, source);
}

Result<std::map<std::string, Proof>> Vault::proofs() {
    std::map<std::string, Proof> newest;
    for (const auto& [snapshot, names] : TRY(names_by_snapshot(*state_))) {
        if (snapshot.empty())
            continue;
        const auto bytes = state_->location->read(names.back(), { 0, largest_proof });
        if (!bytes.ok() && bytes.error().kind == Kind::missing)
            continue;
        const auto proof = open_proof(*state_, names.back(), TRY(bytes));
        if (proof.ok())
            newest.emplace(snapshot, proof.value());
    }
    return newest;
}

} // namespace respawn::vault
