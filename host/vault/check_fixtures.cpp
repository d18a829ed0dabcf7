// Key slots, README, tombstones, and what does not belong to the vault.
#include "vault/check.h"
#include "vault/keyring.h"
#include "vault/lease.h"
#include "vault/marks.h"
#include "vault/pending.h"
#include "vault/proof_files.h"
#include "vault/snapshot_file.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t largest_fixture = 16 << 20;

// Missing in a vault that was never used: `create` was killed, and the next backup completes it.
void say_missing(Check& check, const std::string& name, std::string_view why) {
    if (check.untouched())
        check.note(fmt::format("{} is not there yet: the next backup writes it", name));
    else
        check.damage(name, std::string(why));
}

Result<Keyring> either_copy(Check& check, unsigned number) {
    const auto name = slot_name(number);
    auto first = open_slots(TRY(check.vault.location->read(name, { 0, largest_fixture })), number,
                            check.vault.unlock);
    if (first.ok())
        return first;
    return open_slots(TRY(check.vault.location->read(copy_of(name), { 0, largest_fixture })), number,
                      check.vault.unlock);
}

// Repair has written the same keys as the next file.
bool is_written_anew(Check& check, unsigned number) {
    if (number >= check.vault.keyring.number)
        return false;
    const auto old = either_copy(check, number), next = either_copy(check, number + 1);
    return old.ok() && next.ok() && encode_keyring(old.value()) == encode_keyring(next.value());
}

// A file that is no longer in force may be without its copy: whoever wrote it was killed, and somebody
// else wrote the next.
Result<void> check_slot(Check& check, unsigned number, const std::string& name, std::string& first) {
    const auto bytes = check.read(name, largest_fixture);
    if (!bytes.ok() && bytes.error().kind == Kind::missing) {
        if (number >= check.vault.keyring.number)
            say_missing(check, name,
                        "a copy of the vault's keys is missing; the next backup writes it again");
        return {};
    }
    const auto content = TRY(bytes);
    const auto fault = slots_fault(content);
    if (!fault.empty() && is_written_anew(check, number))
        check.note(fmt::format("{} is damaged; {} has the same keys", name, slot_name(number + 1)));
    else if (!fault.empty())
        check.damage(name, fault + "; its other copy is used");
    else if (first.empty())
        first = content;
    else if (first != content)
        check.damage(name, "the two copies of the vault's keys differ");
    return {};
}

// What is in force has to open, whatever its checksum says.
void check_opens(Check& check, unsigned number, const std::string& bytes) {
    if (number != check.vault.keyring.number || bytes.empty())
        return;
    const auto opened = open_slots(bytes, number, check.vault.unlock);
    if (!opened.ok())
        check.damage(slot_name(number), opened.error().why);
}

Result<void> check_slots(Check& check) {
    TRY(check.vault.refresh_keyring());
    for (const auto number : TRY(slot_numbers(*check.vault.location))) {
        std::string first;
        TRY(check_slot(check, number, slot_name(number), first));
        TRY(check_slot(check, number, copy_of(slot_name(number)), first));
        check_opens(check, number, first);
    }
    return {};
}

Result<void> check_readme(Check& check) {
    const std::string name(readme_name);
    const auto bytes = check.read(name, largest_fixture);
    if (!bytes.ok() && bytes.error().kind == Kind::missing) {
        say_missing(check, name, "it is missing; the next backup writes it again");
        return {};
    }
    if (TRY(bytes) != check.vault.keyring.readme)
        check.damage(name, "it is not as respawn wrote it");
    return {};
}

Result<void> check_tombstones(Check& check) {
    for (const auto& file : check.named("tombstones/")) {
        const auto bytes = TRY(check.read(file.name, largest_fixture));
        TRY(check.vault.meet_document(bytes));
        const auto opened = open_tombstone(check.vault.keyring, file.name, bytes);
        if (!opened.ok())
            check.damage(file.name, opened.error().why);
    }
    return {};
}

// What backups and prune leave for each other. Prune removes what is no longer needed of it.
Result<void> check_keeping(Check& check) {
    using Fault = std::string (*)(Vault::State&, std::string_view, std::string_view);
    for (const auto& [folder, fault] : { std::pair<const char*, Fault>("pending/", pending_fault),
                                         { "marks/", mark_fault },
                                         { "proofs/", proof_fault },
                                         { "lease/", lease_fault } })
        for (const auto& file : check.named(folder)) {
            const auto bytes = check.read(file.name, max_document);
            if (!bytes.ok() && bytes.error().kind == Kind::missing)
                continue;
            const auto why = fault(check.vault, file.name, TRY(bytes));
            if (!why.empty())
                check.damage(file.name, why + "; the next prune removes it");
        }
    return {};
}

bool belongs(const std::string& name) {
    for (const auto* folder : { "tombstones/", "pending/", "marks/", "lease/", "proofs/" })
        if (name.starts_with(folder))
            return true;
    if (name == readme_name)
        return true;
    if (name.starts_with("keys/")) {
        const auto base = name.ends_with(".copy") ? name.substr(0, name.size() - 5) : name;
        return base.size() == 9 && base.find_first_not_of("0123456789", 5) == std::string::npos;
    }
    if (name.starts_with("snapshots/") && name.ends_with(".copy"))
        return !snapshot_from_name(name.substr(0, name.size() - 5)).empty();
    return pack_from_name(name).ok() || index_from_name(name).ok() || !snapshot_from_name(name).empty();
}

} // namespace

Result<void> check_fixtures(Check& check) {
    TRY(check_slots(check));
    TRY(check_readme(check));
    TRY(check_tombstones(check));
    TRY(check_keeping(check));
    for (const auto& file : check.files)
        if (!belongs(file.name))
            check.note(fmt::format("{} does not belong to the vault", printable(file.name)));
    return {};
}

} // namespace respawn::vault
