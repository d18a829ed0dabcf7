#include "vault/rotate.h"

#include "base/bytes.h"
#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace respawn::vault {

namespace {

io::Path beside(const io::Path& file, const std::string& ending) { return file.string() + ending; }

// A link to the key stays a link; its target is exchanged.
Result<io::Path> real_file(const io::Path& file) {
    std::error_code fault;
    const auto real = std::filesystem::canonical(file, fault);
    if (fault)
        return io::system_error("look at", file, fault.value());
    return real;
}

// The service that reads the old key must be able to read the new one, whoever exchanges them.
Result<void> give_same_owner(const io::Path& from, const io::Path& to) {
    struct stat old {
    }, fresh{};
    if (::stat(from.c_str(), &old) != 0)
        return io::system_error("look at", from, errno);
    if (::stat(to.c_str(), &fresh) != 0)
        return io::system_error("look at", to, errno);
    if (old.st_uid == fresh.st_uid && old.st_gid == fresh.st_gid)
        return {};
    if (::chown(to.c_str(), old.st_uid, old.st_gid) != 0)
        return io::system_error("give the owner of the old key to", to, errno);
    return {};
}

// What a killed rotation left is taken up again.
Result<crypto::Key> next_key(const io::Path& file) {
    const auto next = beside(file, ".next");
    auto made = crypto::make_key_file(next);
    if (!made.ok() && made.error().kind == Kind::conflict)
        made = crypto::read_key_file(next);
    const auto key = TRY(std::move(made));
    TRY(give_same_owner(file, next));
    return key;
}

Result<io::Path> keep_old(const io::Path& file, const crypto::Key& key, unsigned number) {
    const auto kept = beside(file, fmt::format(".old-{:04}", number));
    auto written = io::create_durably(kept, respawn::to_hex(key.bytes()) + "\n", 0600);
    if (!written.ok() && written.error().kind == Kind::conflict && crypto::read_key_file(kept).ok() &&
        crypto::read_key_file(kept).value() == key)
        written = {};
    TRY(written);
    return kept;
}

Result<KeySlot> opened_key(const Vault& vault) {
    for (auto& key : vault.keys())
        if (key.opened)
            return key;
    return Error{ .kind = Kind::internal, .why = "the vault does not know what opened it" };
}

using Vaults = std::vector<std::unique_ptr<Vault>>;

Result<Vaults> open_all(const std::vector<VaultPlace>& places, const crypto::Key& key) {
    Vaults vaults;
    for (const auto& place : places)
        vaults.push_back(TRY(Vault::open(place.location, key, place.cache)));
    return vaults;
}

Result<bool> is_unfinished(const Vault& vault) {
    const auto key = TRY(opened_key(vault));
    return !key.replaces.empty() && vault.find_key(key.replaces).ok();
}

// The end of every rotation, and all that is left of some killed ones: the key on disk takes out the
// one that it replaces.
Result<Rotation> finish(const Vaults& vaults, io::Path old_key) {
    Rotation done{ .old_key = std::move(old_key), .slot = {} };
    for (const auto& vault : vaults) {
        const auto key = TRY(opened_key(*vault));
        if (TRY(is_unfinished(*vault)))
            TRY(vault->remove_key(key.replaces));
        done.slot = key.id;
        done.epoch = std::max(done.epoch, vault->epoch());
    }
    return done;
}

} // namespace

Result<Rotation> rotate_key_file(const std::vector<VaultPlace>& places, const io::Path& named) {
    const auto file = TRY(real_file(named));
    const auto old = TRY(crypto::read_key_file(file));
    const auto vaults = TRY(open_all(places, old));
    for (const auto& vault : vaults)
        if (TRY(is_unfinished(*vault)))
            return finish(vaults, {});
    const auto fresh = TRY(next_key(file).while_doing("make the new key", file.string()));
    for (const auto& vault : vaults)
        TRY(vault->add_key(fresh, TRY(opened_key(*vault)).label, true));
    auto kept = TRY(keep_old(file, old, vaults.front()->key_file_number())
                        .while_doing("keep the old key", file.string()));
    TRY(io::rename_durably(beside(file, ".next"), file)
            .while_doing("put the new key in the old one's place", file.string()));
    // Read from the disk again: only a key that is there for good may take the old one out.
    return finish(TRY(open_all(places, TRY(crypto::read_key_file(file)))), std::move(kept));
}

} // namespace respawn::vault
