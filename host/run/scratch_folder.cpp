#include "run/scratch_folder.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include <fmt/format.h>

namespace respawn::run {

namespace {

Result<std::string> id_of_place(const io::Path& folder) {
    const auto known = io::read_file(folder / "id", 100);
    if (known.ok() && known.value().size() == 10 &&
        known.value().find_first_not_of("0123456789abcdef") == std::string::npos)
        return known;
    const auto id = to_hex(crypto::random_bytes(5));
    TRY(io::replace_durably(folder / "id", id));
    return id;
}

} // namespace

void open_up(const io::Path& folder) {
    std::error_code fault;
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all,
                                 std::filesystem::perm_options::add, fault);
    for (const auto& entry : std::filesystem::directory_iterator(folder, fault))
        if (entry.is_directory(fault) && !entry.is_symlink(fault))
            open_up(entry.path());
}

Result<ScratchFolder> ScratchFolder::take(const io::Path& parent) {
    const auto folder = parent / "respawn-verify";
    TRY(io::make_folder(folder));
    auto lock = TRY(io::FileLock::try_lock(folder / "lock"));
    if (!lock)
        return Error{ .kind = Kind::leased,
                      .why = fmt::format("another verify, import or rehearsal works in {}",
                                         printable(folder.string())),
                      .fix = "wait for it, or name another place: scratch: { folder: PATH }" };
    std::error_code fault;
    for (const auto& entry : std::filesystem::directory_iterator(folder, fault))
        if (entry.path().filename() != "lock" && entry.path().filename() != "id") {
            open_up(entry.path());
            std::filesystem::remove_all(entry.path(), fault);
        }
    return ScratchFolder{ std::move(*lock), folder, TRY(id_of_place(folder)) };
}

} // namespace respawn::run
