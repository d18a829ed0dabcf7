#include "component/differences.h"

#include "component/files_tree.h"

namespace respawn::component {

using vault::EntryType;
using vault::Snapshot;
using vault::TreeEntry;

namespace {

// Numbers of hard links are inodes of one moment and no difference; whether a name is one of several
// is.
std::vector<std::string> different_parts(const TreeEntry& before, const TreeEntry& after) {
    std::vector<std::string> parts;
    const auto part = [&](bool differs, const char* name) {
        if (differs)
            parts.emplace_back(name);
    };
    const bool both_files = before.type == EntryType::file && after.type == EntryType::file;
    part(before.type != after.type, "type");
    part(both_files && (before.content != after.content || before.size != after.size ||
                        before.extents != after.extents),
         "content");
    part(before.target != after.target, "target");
    part(before.mode != after.mode, "mode");
    part(before.user != after.user || before.group != after.group ||
             before.user_name != after.user_name || before.group_name != after.group_name,
         "owner");
    part(before.attributes != after.attributes, "attributes");
    part(before.device != after.device, "device");
    part((before.hard_link != 0) != (after.hard_link != 0), "links");
    part(before.modified_ns != after.modified_ns, "time");
    return parts;
}

bool is_content(const std::vector<std::string>& parts) {
    return parts.front() == "content" || parts.front() == "type" || parts.front() == "target";
}

class Comparison {
  public:
    Comparison(vault::Vault& vault, const Snapshot& before, const Snapshot& after,
               const Cancellation& cancel, const TakeDifference& take)
        : vault_(vault), before_(before), after_(after), cancel_(cancel), take_(take) {}

    // Either may be missing.
    Result<void> entries(const PathEntry* before, const PathEntry* after, int depth) {
        TRY(cancel_.check());
        if (before && after && before->entry.type == after->entry.type)
            return both(*before, *after, depth);
        if (before)
            TRY(alone(before_, *before, Difference::What::removed));
        if (after)
            TRY(alone(after_, *after, Difference::What::added));
        return {};
    }

  private:
    Result<void> both(const PathEntry& before, const PathEntry& after, int depth) {
        const bool is_made_up = before.path.empty() || before.is_component();
        const auto parts =
            is_made_up ? std::vector<std::string>{} : different_parts(before.entry, after.entry);
        if (!parts.empty())
            TRY(take_({ is_content(parts) ? Difference::What::content : Difference::What::metadata,
                        before.path, before.entry, after.entry, parts }));
        const bool same_tree = before.component && before.entry.tree == after.entry.tree;
        return before.entry.type != EntryType::folder || same_tree ? Result<void>()
                                                                   : folders(before, after, depth);
    }

    Result<void> folders(const PathEntry& before, const PathEntry& after, int depth) {
        if (depth > deepest_tree)
            return too_deep(before.path);
        const auto old = TRY(entries_in(vault_, before_, before));
        const auto fresh = TRY(entries_in(vault_, after_, after));
        auto a = old.begin();
        auto b = fresh.begin();
        while (a != old.end() || b != fresh.end()) {
            const bool has_old = a != old.end() && (b == fresh.end() || a->entry.name <= b->entry.name);
            const bool has_fresh =
                b != fresh.end() && (a == old.end() || b->entry.name <= a->entry.name);
            TRY(entries(has_old ? &*a : nullptr, has_fresh ? &*b : nullptr, depth + 1));
            a += has_old;
            b += has_fresh;
        }
        return {};
    }

    Result<void> alone(const Snapshot& snapshot, const PathEntry& top, Difference::What what) {
        const auto tell = [&](const PathEntry& found) {
            const std::optional entry(found.entry);
            return what == Difference::What::added ? take_({ what, found.path, {}, entry, {} })
                                                   : take_({ what, found.path, entry, {}, {} });
        };
        TRY(tell(top));
        if (top.entry.type != EntryType::folder)
            return {};
        return walk_below(vault_, snapshot, top, cancel_, [&](const PathEntry& found) -> Result<bool> {
            TRY(tell(found));
            return true;
        });
    }

    vault::Vault& vault_;
    const Snapshot& before_;
    const Snapshot& after_;
    const Cancellation& cancel_;
    const TakeDifference& take_;
};

} // namespace

Result<void> compare(vault::Vault& vault, const Snapshot& before, const Snapshot& after,
                     std::string_view path, const Cancellation& cancel, const TakeDifference& take) {
    const auto old = find_path(vault, before, path);
    const auto fresh = find_path(vault, after, path);
    for (const auto* found : { &old, &fresh })
        if (!found->ok() && found->error().kind != Kind::missing)
            return found->error();
    if (!old.ok() && !fresh.ok())
        return fresh.error();
    return Comparison(vault, before, after, cancel, take)
        .entries(old.ok() ? &old.value() : nullptr, fresh.ok() ? &fresh.value() : nullptr, 0);
}

} // namespace respawn::component
