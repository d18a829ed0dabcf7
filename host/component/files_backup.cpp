#include "component/files_backup.h"

#include "base/text.h"
#include "component/file_bytes.h"
#include "component/files_roots.h"
#include "component/metadata.h"
#include "component/restore_record.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

namespace respawn::component {

using vault::ComponentRecord;
using vault::EntryType;
using vault::Tree;
using vault::TreeEntry;

namespace {

constexpr int deepest = 512; // each level holds a descriptor

using FileNumber = std::pair<dev_t, ino_t>;

// Where the walk is. `relative` counts from the root and is what patterns with '/' see.
struct Spot {
    int folder;
    std::string name;
    io::Path path;
    std::string relative;
    int depth;
};

class Walk {
  public:
    Walk(const config::ComponentSettings& settings, vault::Writer& into, const Work& work,
         FileCache cache)
        : settings_(settings), into_(into), work_(work), cache_(std::move(cache)) {
        for (const auto& folder : work.keep_out)
            add_keep_out(folder);
        add_keep_out(work.state);
    }

    Result<void> run(ComponentRecord& record);

  private:
    void add_keep_out(const io::Path& folder);
    bool is_kept_out(const struct stat& status) const;
    bool is_excluded(const Spot& spot, bool is_folder) const;
    // What was skipped is an entry that is not there; an Error ends the backup.
    Result<std::optional<TreeEntry>> skipped(const io::Path& path, const Error& why);
    Result<Tree> roots_below(int folder, const RootNode& node, const io::Path& path, int depth);
    Result<std::optional<TreeEntry>> on_the_way(int folder, const std::string& name,
                                                const RootNode& node, const io::Path& path, int depth);
    Result<std::optional<TreeEntry>> entry_of(const Spot& spot, bool is_root);
    Result<std::optional<TreeEntry>> folder_entry(const Spot& spot, TreeEntry entry);
    Result<std::optional<TreeEntry>> file_entry(const Spot& spot, TreeEntry entry, struct stat status);
    Result<bool> take_known(const Spot& spot, const struct stat& status, TreeEntry& entry);
    enum class Reading { done, changed, failed };
    Result<Reading> read_file(const Spot& spot, TreeEntry& entry, struct stat& status);
    std::uint64_t link_number(const struct stat& status);
    void count(const TreeEntry& entry);

    const config::ComponentSettings& settings_;
    vault::Writer& into_;
    const Work& work_;
    FileCache cache_;
    Owners owners_;
    Notes problems_, notes_;
    std::set<FileNumber> keep_out_;
    struct Linked {
        std::uint64_t number = 0;
        std::optional<TreeEntry> stored;
    };
    std::map<FileNumber, Linked> links_;
    std::set<std::uint64_t> link_numbers_;
    std::uint64_t files_ = 0, bytes_ = 0, entries_ = 0;
};

void Walk::add_keep_out(const io::Path& folder) {
    struct stat status {};
    if (!folder.empty() && ::stat(folder.c_str(), &status) == 0)
        keep_out_.emplace(status.st_dev, status.st_ino);
}

bool Walk::is_kept_out(const struct stat& status) const {
    return S_ISDIR(status.st_mode) && keep_out_.contains({ status.st_dev, status.st_ino });
}

bool Walk::is_excluded(const Spot& spot, bool is_folder) const {
    return std::any_of(settings_.exclude.begin(), settings_.exclude.end(),
                       [&](std::string_view pattern) {
                           const bool folders_only = pattern.ends_with('/');
                           if (folders_only)
                               pattern.remove_suffix(1);
                           const bool whole_path = pattern.find('/') != std::string_view::npos;
                           if (pattern.starts_with('/'))
                               pattern.remove_prefix(1);
                           return (is_folder || !folders_only) &&
                                  matches_pattern(whole_path ? spot.relative : spot.name, pattern);
                       });
}

Result<std::optional<TreeEntry>> Walk::skipped(const io::Path& path, const Error& why) {
    if (why.kind == Kind::missing)
        notes_.add(fmt::format("{} vanished while it was backed up", printable(path.string())));
    else
        problems_.add(why.why);
    return std::optional<TreeEntry>();
}

Result<void> Walk::run(ComponentRecord& record) {
    const auto roots = find_roots(settings_.paths, problems_, notes_);
    const auto top = TRY(open_folder("/"));
    Tree tree;
    if (roots.top.whole) { // "/" itself
        for (const auto& name : TRY(names_in(top.number(), "/")))
            if (auto entry = TRY(entry_of({ top.number(), name, "/" + name, name, 1 }, false)))
                tree.push_back(std::move(*entry));
    } else {
        tree = TRY(roots_below(top.number(), roots.top, "/", 0));
    }
    record.success = !roots.paths.empty();
    if (record.success)
        record.tree = TRY(into_.store_tree(tree));
    TRY(cache_.finish());
    Value::List real, given, exclude;
    for (const auto& path : roots.paths)
        real.emplace_back(path.string());
    for (const auto& path : settings_.paths)
        given.emplace_back(path.string());
    for (const auto& pattern : settings_.exclude)
        exclude.emplace_back(pattern);
    record.detail = Value::Map{
        { "roots", std::move(real) },      { "paths", std::move(given) },
        { "exclude", std::move(exclude) }, { "entries", static_cast<std::int64_t>(entries_) },
        { "problems", problems_.value() }, { "notes", notes_.value() }
    };
    record.files = files_;
    record.size_bytes = bytes_;
    if (!problems_.empty())
        record.error =
            fmt::format("{}{}", problems_.lines()[0],
                        problems_.count() > 1
                            ? fmt::format(", and {}", counted(problems_.count() - 1, "more problem"))
                            : "");
    else if (files_ == 0)
        record.error = "there are no files";
    return {};
}

Result<Tree> Walk::roots_below(int folder, const RootNode& node, const io::Path& path, int depth) {
    Tree tree;
    for (const auto& [name, below] : node.below) {
        auto entry = below.whole ? entry_of({ folder, name, path / name, "", depth + 1 }, true)
                                 : on_the_way(folder, name, below, path / name, depth + 1);
        if (auto found = TRY(std::move(entry)))
            tree.push_back(std::move(*found));
    }
    return tree;
}

Result<std::optional<TreeEntry>> Walk::on_the_way(int folder, const std::string& name,
                                                  const RootNode& node, const io::Path& path,
                                                  int depth) {
    const auto status = stat_at(folder, name, path);
    auto below = open_folder_at(folder, name, path);
    if (!below.ok() || !status.ok() || !status.value())
        return skipped(path, below.ok() ? io::system_error("look at", path, ENOENT) : below.error());
    auto entry = describe(folder, name, *status.value(), owners_, path);
    if (!entry.ok())
        return skipped(path, entry.error());
    const auto tree = TRY(roots_below(below.value().number(), node, path, depth));
    entry.value().tree = TRY(into_.store_tree(tree));
    ++entries_;
    return std::optional(std::move(entry).value());
}

Result<std::optional<TreeEntry>> Walk::entry_of(const Spot& spot, bool is_root) {
    TRY(work_.cancel.check());
    const auto looked = stat_at(spot.folder, spot.name, spot.path);
    if (!looked.ok() || !looked.value())
        return skipped(spot.path,
                       looked.ok() ? io::system_error("look at", spot.path, ENOENT) : looked.error());
    const auto& status = *looked.value();
    const auto type = type_of(status.st_mode);
    if (!type || is_kept_out(status) || (!is_root && is_excluded(spot, S_ISDIR(status.st_mode))))
        return std::optional<TreeEntry>();
    auto entry = describe(spot.folder, spot.name, status, owners_, spot.path);
    if (!entry.ok())
        return skipped(spot.path, entry.error());
    ++entries_;
    if (*type == EntryType::folder)
        return folder_entry(spot, std::move(entry).value());
    if (status.st_nlink > 1)
        entry.value().hard_link = link_number(status);
    if (*type == EntryType::file)
        return file_entry(spot, std::move(entry).value(), status);
    return std::optional(std::move(entry).value());
}

Result<std::optional<TreeEntry>> Walk::folder_entry(const Spot& spot, TreeEntry entry) {
    if (spot.depth > deepest) {
        problems_.add(
            fmt::format("{} is nested more than {} deep", printable(spot.path.string()), deepest));
        return std::optional<TreeEntry>();
    }
    const auto folder = open_folder_at(spot.folder, spot.name, spot.path);
    if (!folder.ok())
        return skipped(spot.path, folder.error());
    const auto names = names_in(folder.value().number(), spot.path);
    if (!names.ok())
        return skipped(spot.path, names.error());
    Tree tree;
    for (const auto& name : names.value()) {
        const auto relative = spot.relative.empty() ? name : spot.relative + "/" + name;
        if (auto below = TRY(entry_of(
                { folder.value().number(), name, spot.path / name, relative, spot.depth + 1 }, false)))
            tree.push_back(std::move(*below));
    }
    entry.tree = TRY(into_.store_tree(tree));
    return std::optional(std::move(entry));
}

// Stays the same from backup to backup: the inode's number, or the next one that is free where two file
// systems have the same.
std::uint64_t Walk::link_number(const struct stat& status) {
    auto& linked = links_[{ status.st_dev, status.st_ino }];
    if (linked.number == 0) {
        linked.number = std::max<std::uint64_t>(status.st_ino, 1);
        while (!link_numbers_.insert(linked.number).second)
            ++linked.number;
    }
    return linked.number;
}

void Walk::count(const TreeEntry& entry) {
    ++files_;
    bytes_ += entry.size;
    if (work_.progress)
        work_.progress(bytes_, 0);
}

bool same_times(const struct stat& one, const struct stat& other) {
    return one.st_size == other.st_size && nanoseconds(one.st_mtim) == nanoseconds(other.st_mtim) &&
           nanoseconds(one.st_ctim) == nanoseconds(other.st_ctim);
}

Result<bool> Walk::take_known(const Spot& spot, const struct stat& status, TreeEntry& entry) {
    if (const auto linked = links_.find({ status.st_dev, status.st_ino });
        entry.hard_link != 0 && linked != links_.end() && linked->second.stored &&
        linked->second.stored->size == entry.size &&
        linked->second.stored->modified_ns == entry.modified_ns) {
        entry.content = linked->second.stored->content;
        entry.extents = linked->second.stored->extents;
        return true;
    }
    const auto known = cache_.find(spot.path, status);
    if (!known || !TRY(into_.holds(known->content)))
        return false;
    entry.content = known->content;
    entry.extents = known->extents;
    TRY(cache_.add(spot.path, status, *known));
    return true;
}

Result<std::optional<TreeEntry>> Walk::file_entry(const Spot& spot, TreeEntry entry,
                                                  struct stat status) {
    if (!TRY(take_known(spot, status, entry))) {
        auto reading = TRY(read_file(spot, entry, status));
        if (reading == Reading::changed)
            reading = TRY(read_file(spot, entry, status));
        if (reading == Reading::failed)
            return std::optional<TreeEntry>();
        if (reading == Reading::changed)
            notes_.add(fmt::format("{} changed while it was read", printable(spot.path.string())));
        else
            TRY(cache_.add(spot.path, status, { entry.content, entry.extents }));
    }
    if (entry.hard_link != 0)
        links_[{ status.st_dev, status.st_ino }].stored = entry;
    count(entry);
    return std::optional(std::move(entry));
}

io::Descriptor open_file(int folder, const std::string& name) {
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const int quiet = ::openat(folder, name.c_str(), flags | O_NOATIME); // only for owners and root
    return io::Descriptor(quiet >= 0 || errno != EPERM ? quiet : ::openat(folder, name.c_str(), flags));
}

Result<Walk::Reading> Walk::read_file(const Spot& spot, TreeEntry& entry, struct stat& status) {
    const auto file = open_file(spot.folder, spot.name);
    if (!file.open() || ::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
        TRY(skipped(spot.path, io::system_error("open", spot.path, file.open() ? ENOENT : errno)));
        return Reading::failed;
    }
    const auto layout = layout_of(file.number(), status);
    LayoutSource source(file.number(), layout, spot.path);
    auto stored = into_.store(source);
    if (!stored.ok() && source.fault()) {
        TRY(skipped(spot.path, *source.fault()));
        return Reading::failed;
    }
    entry.content = TRY(std::move(stored));
    entry.extents = layout.extents;
    entry.size = layout.has_holes ? layout.size : entry.content.size;
    entry.modified_ns = nanoseconds(status.st_mtim);
    if (source.is_sqlite())
        notes_.add(
            fmt::format("{} is an SQLite database: as a component of kind sqlite it is whole also "
                        "while the game writes",
                        printable(spot.path.string())));
    struct stat after {};
    const bool same = ::fstat(file.number(), &after) == 0 && same_times(status, after);
    return same ? Reading::done : Reading::changed;
}

} // namespace

Result<ComponentRecord> back_up_files(const config::ComponentSettings& settings, vault::Writer& into,
                                      const Work& work) {
    const auto begun = now();
    const auto lock = TRY(hold_state(work.state));
    ComponentRecord record{ .name = settings.name, .kind = "files", .started = begun.microseconds };
    Walk walk(settings, into, work, TRY(FileCache::open(work.state, begun)));
    TRY(walk.run(record));
    record.duration = (now() - begun).count();
    return record;
}

} // namespace respawn::component
