#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/path_view.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace respawn::cli {

namespace {

using component::PathEntry;

// Without a '/' the pattern means a name, with one the whole path; with one in front, the absolute path
// of the live file.
bool is_meant(const PathEntry& found, std::string_view pattern) {
    if (pattern.find('/') == std::string_view::npos)
        return matches_pattern(found.entry.name, pattern);
    if (!pattern.starts_with('/'))
        return matches_pattern(found.path, pattern);
    return found.component &&
           matches_pattern(std::string_view(found.path).substr(found.component->name.size()), pattern);
}

// One state of a path, and the snapshots that have it, newest first.
struct Version {
    PathEntry found;
    std::vector<std::string> snapshots;
};

bool is_same(const vault::TreeEntry& one, const vault::TreeEntry& other) {
    return one.type == other.type && one.size == other.size && one.modified_ns == other.modified_ns &&
           one.content == other.content && one.target == other.target && one.mode == other.mode;
}

class Search {
  public:
    Search(vault::Vault& vault, const Cancellation& cancel, std::string pattern)
        : vault_(vault), cancel_(cancel), pattern_(std::move(pattern)) {}

    Result<void> in(const vault::Snapshot& snapshot) {
        const auto top = TRY(component::find_path(vault_, snapshot, ""));
        TRY(below(snapshot, top));
        return {};
    }
    const std::map<std::string, std::vector<Version>>& found() const { return versions_; }

  private:
    // False when nothing below is meant: then the same folder is not looked through again in the next
    // snapshot that has it.
    Result<bool> below(const vault::Snapshot& snapshot, const PathEntry& folder) {
        const std::pair known{ folder.path, folder.entry.tree };
        if (nothing_.contains(known))
            return false;
        bool any = false;
        for (const auto& found : TRY(component::entries_in(vault_, snapshot, folder))) {
            TRY(cancel_.check());
            if (is_meant(found, pattern_)) {
                add(snapshot, found);
                any = true;
            }
            if (found.entry.type == vault::EntryType::folder)
                any = TRY(below(snapshot, found)) || any;
        }
        if (!any && folder.component)
            nothing_.insert(known);
        return any;
    }

    void add(const vault::Snapshot& snapshot, const PathEntry& found) {
        auto& versions = versions_[found.path];
        const auto same = std::ranges::find_if(
            versions, [&](const Version& one) { return is_same(one.found.entry, found.entry); });
        if (same != versions.end())
            return same->snapshots.push_back(snapshot.id);
        versions.push_back({ found, { snapshot.id } });
        versions.back().found.component = nullptr; // its snapshot goes
    }

    vault::Vault& vault_;
    const Cancellation& cancel_;
    std::string pattern_;
    std::map<std::string, std::vector<Version>> versions_;
    std::set<std::pair<std::string, vault::ChunkId>> nothing_;
};

void show(const Search& search) {
    Table table({ "snapshot", "time", "size", "path" });
    for (const auto& [path, versions] : search.found())
        for (const auto& [found, snapshots] : versions)
            table.add({ snapshots.size() == 1
                            ? snapshots.front()
                            : fmt::format("{} and {} older", snapshots.front(), snapshots.size() - 1),
                        time_text(found.entry.modified_ns), std::to_string(found.entry.size),
                        printable(path) + (found.entry.type == vault::EntryType::folder ? "/" : "") });
    say(table.text());
}

void show_json(const Search& search) {
    JsonArray array;
    for (const auto& [path, versions] : search.found())
        for (const auto& [found, snapshots] : versions) {
            auto value = to_value(found);
            value.map()->emplace("snapshots", Value::List(snapshots.begin(), snapshots.end()));
            array.add(value);
        }
    array.finish();
}

Result<int> find_paths(const Context& context) {
    auto source = TRY(open_vault(context));
    Search search(*source.vault, context.cancel, context.typed.value("PATTERN"));
    const bool all = context.typed.has("--all");
    if (all && context.typed.has("--in"))
        return Error{ .kind = Kind::usage,
                      .why = "--all and --in exclude each other",
                      .fix = "give one of them" };
    if (!all)
        TRY(search.in(TRY(named_snapshot(source, context.typed.value("--in")))));
    auto snapshots = all ? TRY(readable_snapshots(source)) : std::vector<vault::Snapshot>{};
    for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at)
        TRY(search.in(*at).while_doing("search", "snapshot " + at->id));
    if (context.json)
        show_json(search);
    else if (search.found().empty())
        tell(fmt::format("no path matches {}{}", printable(context.typed.value("PATTERN")),
                         all ? "" : "; --all searches every backup"));
    else
        show(search);
    return search.found().empty() ? 1 : 0;
}

} // namespace

extern const Verb find = {
    .name = "find",
    .summary = "Finds files by a shell pattern, in the newest backup or in all of them.",
    .arguments = { { .name = "PATTERN",
                     .doc = "*, ?, [..]; with a '/' it means the whole path (** also matches '/')",
                     .required = true } },
    .options = with_opening(
        { { .name = "--in", .value = "BACKUP", .doc = "another backup than the newest" },
          { .name = "--all", .doc = "every backup; equal versions of a file are one line" } }),
    .details = "Exit 1 when nothing matches.",
    .example = "respawn find \"ada*.json\" --all",
    .run = find_paths,
};

} // namespace respawn::cli
