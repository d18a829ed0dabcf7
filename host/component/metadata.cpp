#include "component/metadata.h"

#include "base/text.h"

#include <algorithm>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

std::string Owners::user(std::uint32_t number) {
    if (const auto known = users_.find(number); known != users_.end())
        return known->second;
    std::string buffer(16384, '\0');
    passwd found{}, *result = nullptr;
    getpwuid_r(number, &found, buffer.data(), buffer.size(), &result);
    return users_[number] = result ? result->pw_name : "";
}

std::string Owners::group(std::uint32_t number) {
    if (const auto known = groups_.find(number); known != groups_.end())
        return known->second;
    std::string buffer(65536, '\0');
    ::group found{}, *result = nullptr;
    getgrgid_r(number, &found, buffer.data(), buffer.size(), &result);
    return groups_[number] = result ? result->gr_name : "";
}

std::uint32_t Owners::user_here(const TreeEntry& entry) {
    if (entry.user_name.empty())
        return entry.user;
    auto [known, fresh] = user_numbers_.try_emplace(entry.user_name, -1);
    std::string buffer(16384, '\0');
    passwd found{}, *result = nullptr;
    if (fresh &&
        getpwnam_r(entry.user_name.c_str(), &found, buffer.data(), buffer.size(), &result) == 0 &&
        result)
        known->second = result->pw_uid;
    return known->second < 0 ? entry.user : static_cast<std::uint32_t>(known->second);
}

std::uint32_t Owners::group_here(const TreeEntry& entry) {
    if (entry.group_name.empty())
        return entry.group;
    auto [known, fresh] = group_numbers_.try_emplace(entry.group_name, -1);
    std::string buffer(65536, '\0');
    ::group found{}, *result = nullptr;
    if (fresh &&
        getgrnam_r(entry.group_name.c_str(), &found, buffer.data(), buffer.size(), &result) == 0 &&
        result)
        known->second = result->gr_gid;
    return known->second < 0 ? entry.group : static_cast<std::uint32_t>(known->second);
}

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{ time.tv_sec } * 1'000'000'000 + time.tv_nsec;
}

std::optional<EntryType> type_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return EntryType::file;
    case S_IFDIR:
        return EntryType::folder;
    case S_IFLNK:
        return EntryType::symlink;
    case S_IFIFO:
        return EntryType::fifo;
    case S_IFSOCK:
        return EntryType::socket;
    case S_IFBLK:
        return EntryType::block_device;
    case S_IFCHR:
        return EntryType::character_device;
    default:
        return {};
    }
}

namespace {

// A path that means this name in this open folder; the calls that take it do not follow a link there.
std::string path_at(int folder, const std::string& name) {
    return fmt::format("/proc/self/fd/{}/{}", folder, name);
}

std::vector<std::string> attribute_names(const std::string& path) {
    std::string list(65536, '\0'); // the most that Linux gives
    const auto size = ::llistxattr(path.c_str(), list.data(), list.size());
    std::vector<std::string> names;
    for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
        names.emplace_back(list.c_str() + at);
        at += names.back().size() + 1;
    }
    std::sort(names.begin(), names.end());
    return names;
}

void add_attributes(const std::string& path, TreeEntry& entry) {
    std::string value;
    for (auto& name : attribute_names(path)) {
        value.resize(65536);
        const auto size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (size >= 0) // else it vanished, or is for root's eyes only
            entry.attributes.emplace_back(std::move(name),
                                          value.substr(0, static_cast<std::size_t>(size)));
    }
}

Result<std::string> link_target(int folder, const std::string& name, const io::Path& shown) {
    std::string target(65536, '\0');
    const auto size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
    if (size < 0)
        return io::system_error("read link", shown, errno);
    target.resize(static_cast<std::size_t>(size));
    return target;
}

} // namespace

Result<TreeEntry> describe(int folder, const std::string& name, const struct stat& status,
                           Owners& owners, const io::Path& shown) {
    TreeEntry entry{ .name = name, .type = type_of(status.st_mode).value_or(EntryType::file) };
    entry.mode = status.st_mode & 07777;
    entry.user = status.st_uid;
    entry.group = status.st_gid;
    entry.user_name = owners.user(entry.user);
    entry.group_name = owners.group(entry.group);
    entry.modified_ns = nanoseconds(status.st_mtim);
    add_attributes(path_at(folder, name), entry);
    if (entry.type == EntryType::symlink)
        entry.target = TRY(link_target(folder, name, shown));
    if (entry.type == EntryType::block_device || entry.type == EntryType::character_device)
        entry.device = status.st_rdev;
    if (entry.type == EntryType::file)
        entry.size = static_cast<std::uint64_t>(status.st_size);
    return entry;
}

namespace {

// One file or folder or link, held by a descriptor that cannot be swapped for another.
struct Held {
    io::Descriptor descriptor;
    std::string path; // in /proc, for calls that take no such descriptor
    bool is_link;
};

Result<Held> hold(int folder, const std::string& name, const io::Path& shown) {
    io::Descriptor held(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!held.open())
        return io::system_error("open", shown, errno);
    struct stat status {};
    if (::fstat(held.number(), &status) != 0)
        return io::system_error("look at", shown, errno);
    auto path = fmt::format("/proc/self/fd/{}", held.number());
    return Held{ std::move(held), std::move(path), S_ISLNK(status.st_mode) };
}

std::string owner_note(int why) {
    return why == EPERM ? "owners could not all be brought back: that takes root"
                        : fmt::format("owners could not all be brought back: {}", std::strerror(why));
}

std::string attribute_note(const std::string& name, int why) {
    return fmt::format("attribute {} could not be brought back: {}", printable(name),
                       std::strerror(why));
}

timespec time_of(const TreeEntry& entry) {
    auto seconds = entry.modified_ns / 1'000'000'000;
    auto rest = entry.modified_ns % 1'000'000'000;
    if (rest < 0) {
        rest += 1'000'000'000;
        --seconds;
    }
    return { seconds, rest };
}

void put_back_owner(const Held& held, const TreeEntry& entry, Owners& owners, Notes& notes) {
    const auto user = owners.user_here(entry);
    const auto group = owners.group_here(entry);
    struct stat status {};
    ::fstat(held.descriptor.number(), &status);
    if (status.st_uid == user && status.st_gid == group)
        return;
    if (::fchownat(held.descriptor.number(), "", user, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
        return;
    const int why = errno;
    // Without root the group can still be one of this user's.
    (void)::fchownat(held.descriptor.number(), "", static_cast<uid_t>(-1), group, AT_EMPTY_PATH);
    notes.add(owner_note(why));
}

void put_back_attributes(const Held& held, const std::string& link_path, const TreeEntry& entry,
                         Notes& notes) {
    const auto& path = held.is_link ? link_path : held.path;
    for (const auto& [name, value] : entry.attributes) {
        const int code = held.is_link
                             ? ::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0)
                             : ::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0);
        if (code != 0)
            notes.add(attribute_note(name, errno));
    }
}

void put_back_time(const Held& held, int folder, const std::string& name, const TreeEntry& entry,
                   Notes& notes) {
    const timespec times[2] = { { 0, UTIME_OMIT }, time_of(entry) };
    const int code = held.is_link ? ::utimensat(folder, name.c_str(), times, AT_SYMLINK_NOFOLLOW)
                                  : ::utimensat(AT_FDCWD, held.path.c_str(), times, 0);
    if (code != 0)
        notes.add(fmt::format("times could not all be brought back: {}", std::strerror(errno)));
}

} // namespace

Result<void> put_back_metadata(int folder, const std::string& name, const TreeEntry& entry,
                               Owners& owners, Notes& notes, const io::Path& shown) {
    const auto held = TRY(hold(folder, name, shown));
    // A change of owner clears setuid and capabilities, and an ACL is part of the mode: in this order.
    put_back_owner(held, entry, owners, notes);
    if (!held.is_link && ::chmod(held.path.c_str(), entry.mode & 07777) != 0)
        return io::system_error("set the mode of", shown, errno);
    put_back_attributes(held, path_at(folder, name), entry, notes);
    put_back_time(held, folder, name, entry, notes);
    return {};
}

Result<std::vector<std::string>> finish_new_file(int file, const TreeEntry& entry, std::uint32_t user,
                                                 std::uint32_t group, const io::Path& shown) {
    std::vector<std::string> notes;
    struct stat status {};
    ::fstat(file, &status);
    if ((status.st_uid != user || status.st_gid != group) && ::fchown(file, user, group) != 0) {
        notes.push_back(owner_note(errno));
        (void)!::fchown(file, static_cast<uid_t>(-1), group);
    }
    if (::fchmod(file, entry.mode & 07777) != 0)
        return io::system_error("set the mode of", shown, errno);
    for (const auto& [name, value] : entry.attributes)
        if (::fsetxattr(file, name.c_str(), value.data(), value.size(), 0) != 0)
            notes.push_back(attribute_note(name, errno));
    const timespec times[2] = { { 0, UTIME_OMIT }, time_of(entry) };
    if (::futimens(file, times) != 0)
        notes.push_back(fmt::format("times could not all be brought back: {}", std::strerror(errno)));
    return notes;
}

bool same_metadata(const TreeEntry& live, const TreeEntry& wanted, Owners& owners) {
    const bool same_owner = ::geteuid() != 0 || (live.user == owners.user_here(wanted) &&
                                                 live.group == owners.group_here(wanted));
    const bool same_mode = wanted.type == EntryType::symlink || live.mode == (wanted.mode & 07777);
    return same_owner && same_mode && live.modified_ns == wanted.modified_ns &&
           live.attributes == wanted.attributes;
}

Result<io::Descriptor> open_folder(const io::Path& path) {
    io::Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open())
        return io::system_error("open folder", path, errno);
    return folder;
}

Result<io::Descriptor> open_folder_at(int folder, const std::string& name, const io::Path& shown) {
    io::Descriptor below(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below.open())
        return io::system_error("open folder", shown, errno);
    return below;
}

Result<std::optional<struct stat>> stat_at(int folder, const std::string& name, const io::Path& shown) {
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        return std::optional(status);
    if (errno == ENOENT)
        return std::optional<struct stat>();
    return io::system_error("look at", shown, errno);
}

Result<std::vector<std::string>> names_in(int folder, const io::Path& shown) {
    const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::unique_ptr<DIR, int (*)(DIR*)> listing(own >= 0 ? ::fdopendir(own) : nullptr, ::closedir);
    if (!listing) {
        if (own >= 0)
            ::close(own);
        return io::system_error("list", shown, errno);
    }
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const auto* item = ::readdir(listing.get());
        if (!item && errno != 0)
            return io::system_error("list", shown, errno);
        if (!item)
            break;
        if (is_plain_name(item->d_name))
            names.emplace_back(item->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

} // namespace respawn::component
