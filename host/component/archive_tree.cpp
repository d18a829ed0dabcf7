#include "component/archive_tree.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;
using Node = ArchiveTree::Node;

namespace {

constexpr std::size_t deepest_archive = 512, longest_target = 4095;
constexpr int most_hops = 40; // of links, as Linux has it

Error refused(std::string why, std::string fix = "do not trust this archive; nothing of it was kept") {
    return { .kind = Kind::denied, .why = std::move(why), .fix = std::move(fix) };
}

Result<std::vector<std::string>> names_of(const std::string& path) {
    if (path.starts_with('/'))
        return refused(fmt::format("the archive has the absolute name {}", printable(path)),
                       "make it again without them: tar -C / -czf FILE opt/game (no -P)");
    std::vector<std::string> names;
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == ".")
            continue;
        if (part == "..")
            return refused(
                fmt::format("the archive has a name that leads outside: {}", printable(path)));
        if (!is_plain_name(part))
            return refused(fmt::format("the archive has a name that no folder can hold: {}",
                                       printable(path.substr(0, 300))));
        names.emplace_back(part);
    }
    if (names.size() > deepest_archive)
        return refused(fmt::format("{}… is nested more than {} deep", printable(path.substr(0, 100)),
                                   deepest_archive));
    return names;
}

std::uint64_t weight_of(const ArchiveEntry& found) {
    const auto& entry = found.entry;
    auto weight = sizeof(Node) + 96 + 2 * entry.name.size() + entry.target.size() +
                  entry.user_name.size() + entry.group_name.size();
    for (const auto& [name, value] : entry.attributes)
        weight += 64 + name.size() + value.size();
    return weight;
}

} // namespace

Result<Node*> ArchiveTree::folder_for(const std::vector<std::string>& names, const std::string& path) {
    auto* folder = &top_;
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
        auto& below = folder->below[names[i]];
        if (!below) {
            below = std::make_unique<Node>();
            below->entry = { .name = names[i], .type = EntryType::folder, .mode = 0755 };
            below->entry.user = ::geteuid();
            below->entry.group = ::getegid();
            below->entry.modified_ns = modified_ns_;
            bytes_in_memory_ += sizeof(Node) + 96 + 2 * names[i].size();
        }
        if (below->entry.type != EntryType::folder)
            return refused(fmt::format("{} in the archive lies below {}, which is a {}",
                                       printable(path), printable(names[i]),
                                       below->entry.type == EntryType::symlink ? "link" : "file"));
        folder = below.get();
    }
    return folder;
}

Result<Node*> ArchiveTree::place(const ArchiveEntry& found, const std::vector<std::string>& names) {
    auto& node = TRY(folder_for(names, found.path))->below[names.back()];
    const bool is_folder = found.entry.type == EntryType::folder && !found.same_as;
    if (node && node->named)
        return refused(fmt::format("the archive has {} twice", printable(found.path)),
                       "have it made again without -r and without naming a folder twice");
    if (node && !is_folder)
        return refused(
            fmt::format("the archive has {} as a folder and as something else", printable(found.path)));
    if (!node)
        node = std::make_unique<Node>();
    node->named = true;
    return node.get();
}

const Node* ArchiveTree::find(const std::vector<std::string>& names) const {
    const auto* node = &top_;
    for (const auto& name : names) {
        const auto below = node->below.find(name);
        if (below == node->below.end())
            return nullptr;
        node = below->second.get();
    }
    return node;
}

bool ArchiveTree::has(const io::Path& absolute) const {
    const auto names = names_of(absolute.relative_path().string());
    return names.ok() && find(names.value()) != nullptr;
}

// The first name must be there already, by its own path: none that leads through a link.
Result<void> ArchiveTree::link(const ArchiveEntry& found, Node& node) {
    const auto names = TRY(names_of(*found.same_as));
    auto* first = const_cast<Node*>(find(names));
    if (!first || first == &node || !first->named || first->entry.type == EntryType::folder)
        return refused(
            fmt::format("{} in the archive is a second name of {}, which is no file before it",
                        printable(found.path), printable(*found.same_as)));
    if (first->entry.hard_link == 0)
        first->entry.hard_link = next_link_++;
    const auto name = node.entry.name;
    node.entry = first->entry; // one file: what it says of itself is the first name's
    node.entry.name = name;
    return {};
}

Result<Node*> ArchiveTree::add(const ArchiveEntry& found) {
    if (found.entry.type == EntryType::block_device || found.entry.type == EntryType::character_device)
        return refused(fmt::format("{} in the archive is a device", printable(found.path)));
    if (found.entry.target.size() > longest_target)
        return refused(fmt::format("the link {} in the archive is longer than a link can be",
                                   printable(found.path)));
    const auto names = TRY(names_of(found.path));
    if (names.empty())
        return found.entry.type == EntryType::folder && !found.same_as
                   ? Result<Node*>(nullptr)
                   : refused("the archive has a file without a name");
    auto* node = TRY(place(found, names));
    node->entry = found.entry;
    node->entry.name = names.back();
    if (found.same_as)
        TRY(link(found, *node));
    ++entries_;
    bytes_in_memory_ += weight_of(found);
    return node;
}

namespace {

// Follows links as Linux would, each from the folder it stands in. Where the archive has nothing, the
// way goes on by name alone.
class LinkWalk {
  public:
    // From the top down to the folder at hand.
    std::vector<const Node*> way;

    // False when it leads above the top.
    bool stays_inside(const std::string& target) const {
        auto from = way;
        int hops = 0;
        return follow(from, target, hops);
    }

  private:
    static const Node* below(const Node* folder, std::string_view name) {
        if (!folder)
            return nullptr;
        const auto found = folder->below.find(std::string(name));
        return found == folder->below.end() ? nullptr : found->second.get();
    }

    static bool follow(std::vector<const Node*>& at, std::string_view target, int& hops) {
        if (target.starts_with('/'))
            return false;
        for (const auto part : split(target, '/')) {
            if (part.empty() || part == ".")
                continue;
            if (part == "..") {
                if (at.size() == 1)
                    return false;
                at.pop_back();
                continue;
            }
            const auto* next = below(at.back(), part);
            if (!next || next->entry.type != EntryType::symlink)
                at.push_back(next);
            else if (++hops > most_hops) // Linux gives up here as well
                return true;
            else if (!follow(at, next->entry.target, hops))
                return false;
        }
        return true;
    }
};

Result<void> check_links(LinkWalk& walk, const Cancellation& cancel) {
    TRY(cancel.check());
    for (const auto& [name, node] : walk.way.back()->below) {
        if (node->entry.type == EntryType::symlink && !walk.stays_inside(node->entry.target))
            return refused(fmt::format("the link {} in the archive leads outside: {}", printable(name),
                                       printable(node->entry.target)),
                           "if you trust the archive: the same with --outside-links (a restore never "
                           "follows links)");
        if (node->entry.type != EntryType::folder)
            continue;
        walk.way.push_back(node.get());
        TRY(check_links(walk, cancel));
        walk.way.pop_back();
    }
    return {};
}

Result<vault::ChunkId> store_folder(vault::Writer& into, const Node& folder,
                                    const Cancellation& cancel) {
    TRY(cancel.check());
    vault::Tree tree;
    for (const auto& [name, node] : folder.below) {
        tree.push_back(node->entry);
        if (node->entry.type == EntryType::folder)
            tree.back().tree = TRY(store_folder(into, *node, cancel));
    }
    return into.store_tree(tree);
}

} // namespace

Result<void> ArchiveTree::must_stay_inside(const Cancellation& cancel) const {
    LinkWalk walk{ .way = { &top_ } };
    return check_links(walk, cancel);
}

Result<vault::ChunkId> ArchiveTree::store(vault::Writer& into, const Cancellation& cancel) const {
    return store_folder(into, top_, cancel);
}

} // namespace respawn::component
