#include "vault/key_files.h"

#include "base/bytes.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t largest_key_file = 1 << 20;
constexpr std::size_t id_offset = 12, key_id_size = 16;

// Kind::corrupt when both copies are damaged.
Result<std::string> slot_bytes(location::Location& location, unsigned number) {
    Error reason = damaged(fmt::format("{} in {} is damaged", slot_name(number), location.url()));
    for (const auto& name : { slot_name(number), copy_of(slot_name(number)) }) {
        auto bytes = location.read(name, { 0, largest_key_file });
        if (bytes.ok() && slots_fault(bytes.value()).empty())
            return bytes;
        if (!bytes.ok() && bytes.error().kind != Kind::missing)
            reason = bytes.error();
    }
    return reason;
}

Result<void> put(location::Location& location, const std::string& name, std::string_view bytes) {
    io::TextSource source(bytes);
    return location.create(name, source);
}

Error different_vaults(const location::Location& a, const location::Location& b) {
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} and {} hold different vaults", a.url(), b.url()),
                  .fix =
                      "all locations of one configuration are one vault: name an empty place instead "
                      "of one of them; nothing was changed" };
}

Error different_keys(const location::Location& a, const location::Location& b, unsigned number) {
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("the keys of the vault were changed at {} and at {} without each "
                                     "other: {} differs",
                                     a.url(), b.url(), slot_name(number)),
                  .fix = "nothing was changed; each still opens by itself (--from). Keep the one with "
                         "the newer backups, and fill an empty place from it" };
}

Result<void> copy_slot(location::Location& from, location::Location& to, unsigned number) {
    const auto bytes = TRY(slot_bytes(from, number));
    TRY(put(to, slot_name(number), bytes));
    return put(to, copy_of(slot_name(number)), bytes);
}

// Nothing but a vault's beginning may be there: somebody else's folder is not filled.
Result<void> must_be_empty(location::Location& to) {
    for (const auto& entry : TRY(to.list("")))
        if (entry.name != readme_name)
            return Error{ .kind = Kind::conflict,
                          .why = fmt::format("{} holds no vault, and yet {} is there", to.url(),
                                             entry.name),
                          .fix = "name an empty or missing folder for a new location" };
    return {};
}

Result<void> copy_readme(location::Location& from, location::Location& to) {
    const auto there = to.read(readme_name, { 0, 1 });
    if (there.ok() || there.error().kind != Kind::missing)
        return there.ok() ? Result<void>() : there.error();
    const auto readme = from.read(readme_name, { 0, largest_key_file });
    return readme.ok() ? put(to, std::string(readme_name), readme.value()) : Result<void>();
}

} // namespace

Result<std::string> vault_at(location::Location& location) {
    const auto numbers = TRY(slot_numbers(location));
    Error reason{ .kind = Kind::missing,
                  .why = fmt::format("there is no vault in {}", location.url()),
                  .fix = "check the location; `respawn backup` makes a vault in an empty place" };
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        const auto bytes = slot_bytes(location, *number);
        if (bytes.ok())
            return bytes.value().substr(id_offset, key_id_size);
        reason = bytes.error();
    }
    return reason;
}

Result<unsigned> newest_key_file(location::Location& location) {
    const auto numbers = TRY(slot_numbers(location));
    return numbers.empty() ? 0 : numbers.back();
}

// What `to` has as its newest must be part of what `from` has: then everything that was ever sealed at
// `to` opens with what is copied.
Result<bool> bring_keys(location::Location& from, location::Location& to) {
    const auto theirs = TRY(slot_numbers(from)), ours = TRY(slot_numbers(to));
    if (theirs.empty())
        return TRY(vault_at(from)).empty(); // says that there is none
    if (ours.empty())
        TRY(must_be_empty(to));
    else if (TRY(vault_at(from)) != TRY(vault_at(to)))
        return different_vaults(from, to);
    const auto newest = ours.empty() ? 0 : ours.back();
    if (newest > theirs.back())
        return false;
    if (newest > 0) {
        const bool known = std::ranges::binary_search(theirs, newest);
        if (!known || TRY(slot_bytes(from, newest)) != TRY(slot_bytes(to, newest)))
            return different_keys(from, to, newest);
    }
    bool copied = false;
    for (const auto number : theirs)
        if (number > newest) {
            // An older one that is damaged is of no use to anybody; the one in force has to be copied.
            const auto done = copy_slot(from, to, number);
            if (!done.ok() && (done.error().kind != Kind::corrupt || number == theirs.back()))
                return done.error();
            copied = true;
        }
    if (newest == 0)
        TRY(copy_readme(from, to));
    return copied;
}

} // namespace respawn::vault
