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

Result<std::string> opened_key(const Vault& vault, std::string& replaces) {
    for (const auto& key : vault.keys())
        if (key.opened) {
            replaces = key.replaces;
            return key.id;
        }
    return Error{ .kind = Kind::internal, .why = "the vault does not know what opened it" };
}

bool has_key(const Vault& vault, const std::string& id) {
    return !id.empty() && vault.find_key(id).ok();
}

// The end of every rotation, and all that is left of a killed one: the key on disk takes out the one it
// replaces.
Result<Rotation> finish(Vault& vault, io::Path old_key) {
    std::string replaces;
    const auto slot = TRY(opened_key(vault, replaces));
    if (has_key(vault, replaces))
        TRY(vault.remove_key(replaces));
    return Rotation{ std::move(old_key), slot, vault.epoch() };
}

} // namespace

Result<Rotation> rotate_key_file(const std::shared_ptr<location::Location>& location,
                                 const io::Path& named, const io::Path& cache) {
    const auto file = TRY(real_file(named).while_doing("exchange the key", named.string()));
    const auto old = TRY(crypto::read_key_file(file));
    auto vault = TRY(Vault::open(location, old, cache));
    std::string replaces;
    const auto old_slot = TRY(opened_key(*vault, replaces));
    if (has_key(*vault, replaces))
        return finish(*vault, {});
    const auto fresh = TRY(next_key(file).while_doing("make the new key", file.string()));
    const auto label = TRY(vault->find_key(old_slot)).label;
    TRY(vault->add_key(fresh, label, true));
    auto kept = TRY(
        keep_old(file, old, vault->key_file_number()).while_doing("keep the old key", file.string()));
    TRY(io::rename_durably(beside(file, ".next"), file)
            .while_doing("put the new key in the old one's place", file.string()));
    // Read from the disk again: only a key that is there for good may take the old one out.
    auto reopened = TRY(Vault::open(location, TRY(crypto::read_key_file(file)), cache));
    return finish(*reopened, std::move(kept));
}

} // namespace respawn::vault
