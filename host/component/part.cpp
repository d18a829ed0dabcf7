#include "component/part.h"

#include "base/text.h"
#include "component/files_tree.h"

#include <algorithm>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

namespace {

void want(RootNode& top, std::string_view path_below) {
    auto* node = &top;
    for (const auto name : split(path_below, '/'))
        if (!name.empty())
            node = &node->below[std::string(name)];
    node->whole = true;
}

Result<void> walk_tree(vault::Vault& from, const vault::ChunkId& id, const RootNode& wanted,
                       const std::string& above, const Cancellation& cancel, const VisitPart& visit,
                       int depth) {
    if (depth > deepest_tree)
        return too_deep(above);
    for (const auto& entry : TRY(sound_tree(from, id))) {
        TRY(cancel.check());
        const auto below = wanted.below.find(entry.name);
        if (!wanted.whole && below == wanted.below.end())
            continue;
        const auto path = above.empty() ? entry.name : above + "/" + entry.name;
        TRY(visit(path, entry));
        if (entry.type == EntryType::folder)
            TRY(walk_tree(from, entry.tree, wanted.whole ? wanted : below->second, path, cancel, visit,
                          depth + 1));
    }
    return {};
}

Result<void> measure(vault::Vault& from, Part& part, const Cancellation& cancel) {
    std::uint64_t files = 0, bytes = 0;
    TRY(walk_part(from, part, cancel, [&](const std::string&, const TreeEntry& entry) -> Result<void> {
        files += entry.type == EntryType::file;
        bytes += entry.type == EntryType::file ? entry.size : 0;
        return {};
    }));
    part.record.files = files;
    part.record.size_bytes = bytes;
    return {};
}

} // namespace

Part whole_part(const vault::ComponentRecord& record) { return { record, { .whole = true } }; }

Result<std::vector<Part>> parts_at(vault::Vault& from, const vault::Snapshot& snapshot,
                                   const std::vector<std::string>& paths, const Cancellation& cancel) {
    std::map<std::string, RootNode> wanted;
    for (const auto& path : paths) {
        const auto found = TRY(find_path(from, snapshot, path));
        if (found.component)
            want(wanted[found.component->name], found.path.substr(found.component->name.size()));
        else
            for (const auto& inside : TRY(entries_in(from, snapshot, found)))
                wanted[inside.component->name].whole = true;
    }
    std::vector<Part> parts;
    for (const auto& record : snapshot.components) {
        const auto named = wanted.find(record.name);
        if (named == wanted.end())
            continue;
        parts.push_back({ record, named->second });
        if (record.kind != "files")
            parts.back().wanted = { .whole = true };
        if (!parts.back().wanted.whole)
            TRY(measure(from, parts.back(), cancel));
    }
    return parts;
}

Result<void> walk_part(vault::Vault& from, const Part& part, const Cancellation& cancel,
                       const VisitPart& visit) {
    return walk_tree(from, part.record.tree, part.wanted, "", cancel, visit, 0);
}

Result<RestoreReport> restore_part(vault::Vault& from, const Part& part, const io::Path& place,
                                   const Work& work) {
    if (part.wanted.whole)
        return TRY(open_recorded(part.record))->restore_to(from, part.record, place, work);
    return restore_files_to(from, part.record, place, work, &part.wanted)
        .while_doing("restore the files", part.record.name);
}

} // namespace respawn::component
