#include "component/paths.h"

#include "base/text.h"
#include "component/file_bytes.h"
#include "component/files_tree.h"
#include "component/restore_record.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

using vault::EntryType;
using vault::Snapshot;

namespace {

constexpr std::size_t most_named = 8; // names that an error lists

std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "/" + name;
}

PathEntry whole(const Snapshot& snapshot) {
    vault::TreeEntry entry{ .type = EntryType::folder, .mode = 0755 };
    entry.modified_ns = snapshot.started * 1000;
    return { .entry = std::move(entry) };
}

PathEntry top_of(const vault::ComponentRecord& record) {
    vault::TreeEntry entry{ .name = record.name, .type = EntryType::folder, .mode = 0755 };
    entry.modified_ns = record.started * 1000;
    entry.user_name = entry.group_name = "-"; // a component is nobody's
    entry.size = record.size_bytes;
    entry.tree = record.tree;
    return { record.name, &record, std::move(entry) };
}

std::vector<std::string> names_of(std::string_view path) {
    std::vector<std::string> names;
    for (const auto part : split(path, '/'))
        if (!part.empty() && part != ".")
            names.emplace_back(part);
    return names;
}

std::string shown(const PathEntry& folder) {
    return folder.path.empty() ? "the backup" : printable(folder.path);
}

Error not_there(const PathEntry& folder, const std::string& name,
                const std::vector<PathEntry>& inside) {
    std::vector<std::string> names, some;
    for (const auto& found : inside) {
        names.push_back(found.entry.name);
        if (some.size() < most_named)
            some.push_back(printable(found.entry.name));
    }
    if (names.size() > some.size())
        some.push_back(fmt::format("{} more", names.size() - some.size()));
    const auto near = nearest(name, names);
    auto fix = inside.empty() ? fmt::format("{} is empty", shown(folder))
                              : fmt::format("{} has: {}", shown(folder), join(some, ", "));
    if (!near.empty())
        fix = fmt::format("did you mean {}? ", printable(below(folder.path, near))) + fix;
    return { .kind = Kind::missing,
             .why = fmt::format("{} is not in the backup", printable(below(folder.path, name))),
             .fix = std::move(fix) };
}

Result<PathEntry> step_down(vault::Vault& from, const Snapshot& snapshot, const PathEntry& folder,
                            const std::string& name) {
    if (folder.entry.type != EntryType::folder)
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("{} is no folder", shown(folder)),
                      .fix = fmt::format("the path ends there: {}", shown(folder)) };
    const auto inside = TRY(entries_in(from, snapshot, folder));
    for (const auto& found : inside)
        if (found.entry.name == name)
            return found;
    if (folder.path.empty())
        if (const auto* record = snapshot.component(name)) // it failed in this backup
            TRY(must_have_data(*record));
    return not_there(folder, name, inside);
}

Result<PathEntry> follow(vault::Vault& from, const Snapshot& snapshot, PathEntry at,
                         const std::vector<std::string>& names) {
    for (const auto& name : names)
        at = TRY(step_down(from, snapshot, at, name));
    return at;
}

// The component that was backed up from this path of the live system.
Result<std::optional<PathEntry>> find_live(vault::Vault& from, const Snapshot& snapshot,
                                           std::string_view path) {
    for (const auto& record : snapshot.components) {
        if (!record.success)
            continue;
        if (record.kind != "files") {
            if (record.detail.text_at("path") != path)
                continue;
            auto inside = TRY(entries_in(from, snapshot, top_of(record)));
            if (inside.size() == 1)
                return std::optional(std::move(inside.front()));
        }
        auto found = follow(from, snapshot, top_of(record), names_of(path));
        if (found.ok())
            return std::optional(std::move(found).value());
        if (found.error().kind != Kind::missing)
            return std::move(found).error();
    }
    return std::optional<PathEntry>();
}

} // namespace

bool PathEntry::is_component() const { return component && path == component->name; }

Result<PathEntry> find_path(vault::Vault& from, const Snapshot& snapshot, std::string_view path) {
    auto found = follow(from, snapshot, whole(snapshot), names_of(path));
    if (found.ok() || found.error().kind != Kind::missing || !path.starts_with('/'))
        return found;
    if (auto live = TRY(find_live(from, snapshot, path)))
        return std::move(*live);
    return found;
}

Result<std::vector<PathEntry>> entries_in(vault::Vault& from, const Snapshot& snapshot,
                                          const PathEntry& folder) {
    std::vector<PathEntry> inside;
    if (folder.component) {
        for (auto& entry : TRY(sound_tree(from, folder.entry.tree)))
            inside.push_back({ below(folder.path, entry.name), folder.component, std::move(entry) });
        return inside;
    }
    for (const auto& record : snapshot.components)
        if (record.success)
            inside.push_back(top_of(record));
    std::ranges::sort(inside, {}, &PathEntry::path);
    return inside;
}

namespace {

Result<void> walk_down(vault::Vault& from, const Snapshot& snapshot, const PathEntry& folder,
                       const Cancellation& cancel, const Visit& visit, int depth) {
    if (depth > deepest_tree)
        return too_deep(folder.path);
    for (const auto& found : TRY(entries_in(from, snapshot, folder))) {
        TRY(cancel.check());
        if (TRY(visit(found)) && found.entry.type == EntryType::folder)
            TRY(walk_down(from, snapshot, found, cancel, visit, depth + 1));
    }
    return {};
}

} // namespace

Result<void> walk_below(vault::Vault& from, const Snapshot& snapshot, const PathEntry& folder,
                        const Cancellation& cancel, const Visit& visit) {
    return walk_down(from, snapshot, folder, cancel, visit, 0);
}

namespace {

Result<void> write_zeros(io::Sink& to, std::uint64_t count, const Cancellation& cancel) {
    static const std::string zeros(1 << 20, '\0');
    while (count > 0) {
        TRY(cancel.check());
        const auto part = std::min<std::uint64_t>(count, zeros.size());
        TRY(to.write(std::string_view(zeros).substr(0, part)));
        count -= part;
    }
    return {};
}

} // namespace

Result<void> read_file_at(vault::Vault& from, const vault::TreeEntry& file, const Cancellation& cancel,
                          io::Sink& to) {
    TRY(must_be_sound(file));
    std::uint64_t at = 0;
    PlacingSink sink(file, cancel, [&](std::uint64_t offset, std::string_view bytes) -> Result<void> {
        TRY(write_zeros(to, offset - at, cancel));
        at = offset + bytes.size();
        return to.write(bytes);
    });
    if (file.content.size > 0)
        TRY(from.read(file.content, sink));
    if (sink.written() != file.content.size)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("{} bytes came back of {}", sink.written(), file.content.size),
                      .fix = "check the vault: respawn check --read-data" };
    return write_zeros(to, file.size - at, cancel);
}

} // namespace respawn::component
