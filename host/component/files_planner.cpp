#include "component/files_planner.h"

#include "base/text.h"
#include "component/file_bytes.h"
#include "component/files_tree.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

namespace {

constexpr std::size_t extra_names_shown = 20;

} // namespace

std::vector<std::string> Planner::all_notes() const {
    auto lines = notes.lines();
    if (extra_ > 0)
        lines.push_back(fmt::format("{} not in the backup and left as they are: {}{}",
                                    extra_ == 1 ? "1 name is" : fmt::format("{} names are", extra_),
                                    join(extra_names_, ", "),
                                    extra_ > extra_names_.size() ? ", …" : ""));
    return lines;
}

Result<void> Planner::add_root(const LiveRoot& root, const TreeEntry& entry) {
    plan.roots.push_back(root);
    const auto parent = open_folder(root.parent);
    if (!parent.ok() && staging_)
        return parent.error();
    if (staging_) {
        TRY(io::make_folder(root.staging));
        staging_folder_ = TRY(open_folder(root.staging));
        struct stat status {};
        ::fstat(staging_folder_.number(), &status);
        device_ = status.st_dev;
    }
    names_.clear();
    return visit(parent.ok() ? parent.value().number() : -1, entry, root.path());
}

Result<void> Planner::visit(int folder, const TreeEntry& entry, const io::Path& path) {
    TRY(cancel_.check());
    names_.push_back(entry.name);
    if (names_.size() > static_cast<std::size_t>(deepest_tree))
        return too_deep(path);
    if (entry.type == EntryType::folder) {
        TRY(visit_folder(folder, entry, path));
        names_.pop_back();
        return {};
    }
    const auto live =
        folder < 0 ? std::optional<struct stat>() : TRY(stat_at(folder, entry.name, path));
    if (live && TRY(is_right(folder, entry, *live, path))) {
        ++unchanged;
        if (entry.hard_link != 0 && !links_.contains(entry.hard_link))
            links_[entry.hard_link] = { {}, step(Step::What::put).root, names_, *live };
    } else if (!staging_ || TRY(stage(folder, entry, path))) {
        ++(live ? replaced : created);
        bytes += entry.content.size;
        if (live)
            newest_ns = std::max(newest_ns, static_cast<std::uint64_t>(nanoseconds(live->st_mtim)));
    }
    names_.pop_back();
    return {};
}

Result<void> Planner::visit_folder(int folder, const TreeEntry& entry, const io::Path& path) {
    const auto live =
        folder < 0 ? std::optional<struct stat>() : TRY(stat_at(folder, entry.name, path));
    const bool there = live && S_ISDIR(live->st_mode);
    if (there && staging_ && live->st_dev != device_)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("{} is on another file system than the folder above it",
                                         printable(path.string())),
                      .fix = "name it in `paths:` as well, or restore to another place with --to" };
    const auto steps_before = plan.steps.size();
    if (!there)
        plan.steps.push_back(step(Step::What::make_folder));
    const auto below = there ? TRY(open_folder_at(folder, entry.name, path)) : io::Descriptor();
    const auto tree = TRY(sound_tree(from_, entry.tree));
    TRY(visit_below(below.number(), tree, path));
    const bool right =
        there && plan.steps.size() == steps_before &&
        same_metadata(TRY(describe(folder, entry.name, *live, owners_, path)), entry, owners_);
    if (right)
        return {};
    auto finish = step(Step::What::finish_folder);
    finish.metadata = entry;
    plan.steps.push_back(std::move(finish));
    return {};
}

Result<void> Planner::visit_below(int folder, const vault::Tree& tree, const io::Path& path) {
    for (const auto& entry : tree)
        TRY(visit(folder, entry, path / entry.name));
    if (folder < 0)
        return {};
    for (const auto& name : TRY(names_in(folder, path))) {
        const auto same = [](const TreeEntry& entry, const std::string& other) {
            return entry.name < other;
        };
        const auto found = std::lower_bound(tree.begin(), tree.end(), name, same);
        if (found != tree.end() && found->name == name)
            continue;
        if (++extra_ <= extra_names_shown)
            extra_names_.push_back(printable((path / name).string()));
    }
    return {};
}

Result<bool> Planner::is_right(int folder, const TreeEntry& entry, const struct stat& live,
                               const io::Path& path) {
    if (type_of(live.st_mode) != entry.type)
        return false;
    const auto now_there = TRY(describe(folder, entry.name, live, owners_, path));
    if (!same_metadata(now_there, entry, owners_) || now_there.target != entry.target ||
        now_there.device != entry.device || now_there.size != entry.size)
        return false;
    const auto first = links_.find(entry.hard_link);
    if (entry.hard_link != 0 && first != links_.end())
        return !first->second.staged && first->second.live.st_ino == live.st_ino &&
               first->second.live.st_dev == live.st_dev;
    if (entry.type != EntryType::file || !staging_)
        return true;
    // The time of its last change is the system's: no program sets it.
    const auto known = last_backup_ ? last_backup_->find(path, live) : std::nullopt;
    if (known && known->content == entry.content && known->extents == entry.extents)
        return true;
    // Its own time may lie: the bytes decide.
    const io::Descriptor file(
        ::openat(folder, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.open())
        return io::system_error("read", path, errno);
    return same_bytes(from_, entry, file.number(), path, cancel_);
}

Result<bool> Planner::stage_link(const TreeEntry& entry, const std::string& number,
                                 const io::Path& path) {
    const auto& first = links_[entry.hard_link];
    if (first.staged && first.root + 1 == plan.roots.size()) {
        const auto name = std::to_string(*first.staged);
        if (::linkat(staging_folder_.number(), name.c_str(), staging_folder_.number(), number.c_str(),
                     0) == 0)
            return true;
        return io::system_error("link", path, errno);
    }
    if (first.staged) // under another root: as a file of its own when that is another file system
        return ::linkat(AT_FDCWD,
                        (plan.roots[first.root].staging / std::to_string(*first.staged)).c_str(),
                        staging_folder_.number(), number.c_str(), 0) == 0;
    const auto top = TRY(open_folder(plan.roots[first.root].parent));
    const std::vector<std::string> folders(first.names.begin(), first.names.end() - 1);
    const auto folder = TRY(open_below(top.number(), folders, path));
    return ::linkat(folder.number(), first.names.back().c_str(), staging_folder_.number(),
                    number.c_str(), 0) == 0;
}

Result<bool> Planner::stage(int folder, const TreeEntry& entry, const io::Path& path) {
    const auto number = std::to_string(next_);
    const bool linked = entry.hard_link != 0 && links_.contains(entry.hard_link) &&
                        TRY(stage_link(entry, number, path));
    io::Descriptor like; // what is live now: much of a changed file may be right
    if (folder >= 0 && entry.type == EntryType::file)
        like = io::Descriptor(
            ::openat(folder, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (like.open() && (::fstat(like.number(), &status) != 0 || !S_ISREG(status.st_mode)))
        like.close();
    if (!linked && !TRY(create_entry(from_, staging_folder_.number(), number, entry, owners_, notes,
                                     cancel_, path, like.number())))
        return false;
    auto put = step(Step::What::put);
    put.staged = next_++;
    if (entry.hard_link != 0 && !linked)
        links_[entry.hard_link] = { put.staged, put.root, names_, {} };
    plan.steps.push_back(std::move(put));
    return true;
}

} // namespace respawn::component
