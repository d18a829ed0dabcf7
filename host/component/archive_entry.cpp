#include "component/archive_entry.h"

#include "base/bytes.h"
#include "base/text.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

namespace {

constexpr std::int64_t second = 1'000'000'000;

// ---- ACLs: the attribute's bytes are u32 version 2, then per entry u16 tag, u16 permissions, u32 id
// ----

constexpr std::uint32_t acl_version = 2;
constexpr std::uint32_t no_id = 0xffffffff;

struct AclKind {
    const char* attribute;
    int type;
};
constexpr AclKind acl_kinds[] = {
    { "system.posix_acl_access", ARCHIVE_ENTRY_ACL_TYPE_ACCESS },
    { "system.posix_acl_default", ARCHIVE_ENTRY_ACL_TYPE_DEFAULT },
};

struct AclTag {
    std::uint16_t linux_tag;
    int tag;
};
constexpr AclTag acl_tags[] = {
    { 0x01, ARCHIVE_ENTRY_ACL_USER_OBJ },  { 0x02, ARCHIVE_ENTRY_ACL_USER },
    { 0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ }, { 0x08, ARCHIVE_ENTRY_ACL_GROUP },
    { 0x10, ARCHIVE_ENTRY_ACL_MASK },      { 0x20, ARCHIVE_ENTRY_ACL_OTHER },
};

struct AclEntry {
    std::uint16_t tag = 0, permissions = 0;
    std::uint32_t id = no_id;
    auto operator<=>(const AclEntry&) const = default;
};

Result<std::vector<AclEntry>> decode_acl(std::string_view bytes) {
    ByteReader reader(bytes);
    if (TRY(reader.u32()) != acl_version)
        return Error{ .kind = Kind::corrupt, .why = "an access list of another version" };
    std::vector<AclEntry> entries;
    while (!reader.at_end()) {
        AclEntry entry;
        entry.tag = TRY(reader.u16());
        entry.permissions = TRY(reader.u16());
        entry.id = TRY(reader.u32());
        const bool known = std::ranges::any_of(
            acl_tags, [&](const AclTag& tag) { return tag.linux_tag == entry.tag; });
        if (!known || entry.permissions > 7)
            return Error{ .kind = Kind::corrupt, .why = "an access list that makes no sense" };
        entries.push_back(entry);
    }
    return entries;
}

std::string encode_acl(std::vector<AclEntry> entries) {
    std::ranges::sort(entries); // the order that Linux asks for
    ByteWriter writer;
    writer.u32(acl_version);
    for (const auto& entry : entries)
        writer.u16(entry.tag).u16(entry.permissions).u32(entry.id);
    return writer.take();
}

// libarchive's permissions have the same bits: 1 execute, 2 write, 4 read.
void add_acl(const std::vector<AclEntry>& entries, int type, archive_entry* to) {
    for (const auto& entry : entries)
        for (const auto& [linux_tag, tag] : acl_tags)
            if (linux_tag == entry.tag) {
                const bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
                archive_entry_acl_add_entry(to, type, entry.permissions, tag,
                                            named ? static_cast<int>(entry.id) : -1, "");
            }
}

std::vector<AclEntry> read_acl(archive_entry* from, int type, ArchiveEntry& to) {
    std::vector<AclEntry> entries;
    int found_type = 0, permissions = 0, tag = 0, id = 0;
    const char* name = nullptr;
    archive_entry_acl_reset(from, type);
    while (archive_entry_acl_next(from, type, &found_type, &permissions, &tag, &id, &name) ==
           ARCHIVE_OK) {
        const bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
        if (named && id < 0) {
            to.notes.push_back(fmt::format("the access list of {} names {} without a number: left out",
                                           printable(to.path), printable(name ? name : "?")));
            continue;
        }
        for (const auto& known : acl_tags)
            if (known.tag == tag)
                entries.push_back({ known.linux_tag, static_cast<std::uint16_t>(permissions & 7),
                                    named ? static_cast<std::uint32_t>(id) : no_id });
    }
    return entries;
}

// ---- to libarchive ----

mode_t file_type(EntryType type) {
    static constexpr mode_t types[] = { 0,       S_IFREG,  S_IFDIR, S_IFLNK,
                                        S_IFIFO, S_IFSOCK, S_IFBLK, S_IFCHR };
    return types[static_cast<std::size_t>(type)];
}

void add_attributes(const TreeEntry& entry, archive_entry* to) {
    for (const auto& [name, value] : entry.attributes) {
        const auto kind = std::ranges::find_if(
            acl_kinds, [&](const AclKind& known) { return name == known.attribute; });
        const auto list = kind == std::end(acl_kinds)
                              ? Result<std::vector<AclEntry>>(Error{ .why = "" })
                              : decode_acl(value);
        if (list.ok())
            add_acl(list.value(), kind->type, to);
        else
            archive_entry_xattr_add_entry(to, name.c_str(), value.data(), value.size());
    }
}

void set_holes(const TreeEntry& entry, archive_entry* to) {
    if (entry.content.size == entry.size)
        return;
    for (const auto& [offset, length] : entry.extents)
        archive_entry_sparse_add_entry(to, static_cast<la_int64_t>(offset),
                                       static_cast<la_int64_t>(length));
    if (entry.extents.empty()) // nothing but a hole
        archive_entry_sparse_add_entry(to, static_cast<la_int64_t>(entry.size), 0);
}

} // namespace

void to_libarchive(const ArchiveEntry& from, archive_entry* to) {
    const auto& entry = from.entry;
    const bool is_folder = entry.type == EntryType::folder;
    archive_entry_set_pathname(to, is_folder ? (from.path + "/").c_str() : from.path.c_str());
    archive_entry_set_filetype(to, file_type(entry.type));
    archive_entry_set_uid(to, entry.user);
    archive_entry_set_gid(to, entry.group);
    archive_entry_set_uname(to, entry.user_name.c_str());
    archive_entry_set_gname(to, entry.group_name.c_str());
    auto seconds = entry.modified_ns / second, rest = entry.modified_ns % second;
    archive_entry_set_mtime(to, rest < 0 ? seconds - 1 : seconds,
                            static_cast<long>(rest < 0 ? rest + second : rest));
    archive_entry_set_size(to, 0);
    if (entry.type == EntryType::symlink)
        archive_entry_set_symlink(to, entry.target.c_str());
    if (entry.type == EntryType::block_device || entry.type == EntryType::character_device)
        archive_entry_set_rdev(to, entry.device);
    // Before the ACL: with one, libarchive keeps the group's own permissions in the mode, not the mask.
    archive_entry_set_perm(to, entry.mode & 07777);
    add_attributes(entry, to);
    if (from.same_as) {
        archive_entry_set_hardlink(to, from.same_as->c_str());
    } else if (entry.type == EntryType::file) {
        archive_entry_set_size(to, static_cast<la_int64_t>(entry.size));
        set_holes(entry, to);
    }
}

namespace {

// ---- from libarchive ----

Error senseless(std::string_view what, const std::string& path) {
    return { .kind = Kind::corrupt,
             .why = fmt::format("the archive has {} for {}", what, printable(path)),
             .fix = "nothing of it was kept; have it made again" };
}

Result<EntryType> type_from(archive_entry* from, const std::string& path) {
    switch (archive_entry_filetype(from)) {
    case AE_IFREG:
        return EntryType::file;
    case AE_IFDIR:
        return EntryType::folder;
    case AE_IFLNK:
        return EntryType::symlink;
    case AE_IFIFO:
        return EntryType::fifo;
    case AE_IFBLK:
        return EntryType::block_device;
    case AE_IFCHR:
        return EntryType::character_device;
    case AE_IFSOCK:
        return EntryType::socket;
    default: // a hard link may come without a type
        if (archive_entry_hardlink(from))
            return EntryType::file;
        return senseless("no type", path);
    }
}

void take_attributes(archive_entry* from, ArchiveEntry& to) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    std::map<std::string, std::string> attributes;
    archive_entry_xattr_reset(from);
    while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK)
        attributes[name] = std::string(static_cast<const char*>(value), size);
    for (const auto& [attribute, type] : acl_kinds) {
        const auto entries = read_acl(from, type, to);
        if (entries.size() <=
            (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS ? 3U : 0U)) // no more than the mode
            continue;
        attributes[attribute] = encode_acl(entries);
        // What stat shows as the group's permissions is the mask.
        for (const auto& entry : entries)
            if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && entry.tag == 0x10)
                to.entry.mode =
                    (to.entry.mode & ~070U) | static_cast<std::uint32_t>(entry.permissions << 3);
    }
    to.entry.attributes.assign(attributes.begin(), attributes.end());
}

Result<std::uint32_t> id_from(la_int64_t number, const std::string& path) {
    if (number < 0 || number > UINT32_MAX)
        return senseless(fmt::format("the impossible owner {}", number), path);
    return static_cast<std::uint32_t>(number);
}

Result<std::int64_t> time_from(archive_entry* from, const std::string& path) {
    const std::int64_t seconds = archive_entry_mtime(from);
    if (seconds > INT64_MAX / second - 1 || seconds < INT64_MIN / second + 1)
        return senseless(fmt::format("the impossible time {}", seconds), path);
    return seconds * second + archive_entry_mtime_nsec(from);
}

std::string text_or_empty(const char* text) { return text ? text : ""; }

} // namespace

Result<ArchiveEntry> from_libarchive(archive_entry* from) {
    const char* path = archive_entry_pathname(from);
    if (!path)
        return senseless("a name that cannot be read", "an entry");
    ArchiveEntry to{ .path = path };
    auto& entry = to.entry;
    entry.type = TRY(type_from(from, to.path));
    while (to.path.size() > 1 && to.path.ends_with('/'))
        to.path.pop_back();
    entry.mode = archive_entry_perm(from) & 07777;
    entry.user = TRY(id_from(archive_entry_uid(from), to.path));
    entry.group = TRY(id_from(archive_entry_gid(from), to.path));
    entry.user_name = text_or_empty(archive_entry_uname(from));
    entry.group_name = text_or_empty(archive_entry_gname(from));
    entry.modified_ns = TRY(time_from(from, to.path));
    if (const char* first = archive_entry_hardlink(from))
        to.same_as = first;
    else if (archive_entry_size(from) < 0)
        return senseless("a negative size", to.path);
    else if (entry.type == EntryType::file)
        entry.size = static_cast<std::uint64_t>(archive_entry_size(from));
    if (entry.type == EntryType::symlink && !to.same_as)
        entry.target = text_or_empty(archive_entry_symlink(from));
    if (entry.type == EntryType::block_device || entry.type == EntryType::character_device)
        entry.device = archive_entry_rdev(from);
    take_attributes(from, to);
    return to;
}

} // namespace respawn::component
