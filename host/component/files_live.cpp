#include "component/files_live.h"

#include "base/id.h"
#include "base/text.h"
#include "component/file_bytes.h"
#include "component/files_plan.h"
#include "component/files_tree.h"
#include "component/restore_record.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

namespace {

constexpr std::size_t extra_names_shown = 20;

// Compares the snapshot with what is live and, when `staging`, prepares what has to change.
class Planner {
  public:
    Planner(vault::Vault& from, const Cancellation& cancel, bool staging)
        : from_(from), cancel_(cancel), staging_(staging) {}

    Result<void> add_root(const LiveRoot& root, const TreeEntry& entry);

    Plan plan;
    Notes notes;
    std::uint64_t created = 0, replaced = 0, unchanged = 0, bytes = 0, newest_ns = 0;

    std::uint64_t extra() const { return extra_; }
    std::vector<std::string> all_notes() const;

  private:
    // Where a file of several names is, for the names that come after the first.
    struct First {
        std::optional<std::uint64_t> staged;
        std::uint32_t root = 0;
        std::vector<std::string> names;
        struct stat live {};
    };
    Result<void> visit(int folder, const TreeEntry& entry, const io::Path& path);
    Result<void> visit_folder(int folder, const TreeEntry& entry, const io::Path& path);
    Result<void> visit_below(int folder, const vault::Tree& tree, const io::Path& path);
    Result<bool> is_right(int folder, const TreeEntry& entry, const struct stat& live,
                          const io::Path& path);
    Result<bool> stage(int folder, const TreeEntry& entry, const io::Path& path);
    Result<bool> stage_link(const TreeEntry& entry, const std::string& number, const io::Path& path);
    Step step(Step::What what) const {
        return { .what = what,
                 .root = static_cast<std::uint32_t>(plan.roots.size() - 1),
                 .names = names_,
                 .staged = 0,
                 .metadata = {} };
    }

    vault::Vault& from_;
    const Cancellation& cancel_;
    bool staging_;
    io::Descriptor staging_folder_;
    dev_t device_ = 0;
    std::vector<std::string> names_;
    std::map<std::uint64_t, First> links_;
    std::vector<std::string> extra_names_;
    std::uint64_t extra_ = 0, next_ = 1;
    Owners owners_;
};

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
    // Its time may lie: the bytes decide.
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

Result<bool> Planner::stage(int, const TreeEntry& entry, const io::Path& path) {
    const auto number = std::to_string(next_);
    const bool linked = entry.hard_link != 0 && links_.contains(entry.hard_link) &&
                        TRY(stage_link(entry, number, path));
    if (!linked && !TRY(create_entry(from_, staging_folder_.number(), number, entry, owners_, notes,
                                     cancel_, path)))
        return false;
    auto put = step(Step::What::put);
    put.staged = next_++;
    if (entry.hard_link != 0 && !linked)
        links_[entry.hard_link] = { put.staged, put.root, names_, {} };
    plan.steps.push_back(std::move(put));
    return true;
}

// ---- the roots of a record ----

struct RecordedRoot {
    io::Path path;
    TreeEntry entry;
};

// Follows an absolute path down the tree. Empty where the backup has nothing there.
Result<std::optional<TreeEntry>> entry_at(vault::Vault& from, const vault::ChunkId& top,
                                          const io::Path& path) {
    auto id = top;
    std::optional<TreeEntry> found;
    for (const auto& part : path.relative_path()) {
        if (found && found->type != EntryType::folder)
            return std::optional<TreeEntry>();
        auto tree = TRY(sound_tree(from, id));
        const auto at = std::find_if(tree.begin(), tree.end(), [&](const TreeEntry& entry) {
            return entry.name == part.string();
        });
        if (at == tree.end())
            return std::optional<TreeEntry>();
        found = std::move(*at);
        id = found->tree;
    }
    return found;
}

Result<std::vector<RecordedRoot>> recorded_roots(vault::Vault& from,
                                                 const vault::ComponentRecord& record) {
    TRY(must_have_data(record));
    std::vector<RecordedRoot> roots;
    const auto* paths = record.detail.at("roots").list();
    for (const auto& value : paths ? *paths : Value::List{}) {
        const io::Path path = value.text() ? *value.text() : "";
        if (!path.is_absolute() || path.lexically_normal() != path)
            return Error{ .kind = Kind::corrupt, .why = "the record of the backup names no real path" };
        if (path == "/")
            return Error{ .kind = Kind::unsupported,
                          .why = "the whole root of the system cannot be replaced while it runs",
                          .fix = "restore to another place with --to" };
        if (auto entry = TRY(entry_at(from, record.tree, path)))
            roots.push_back({ path, std::move(*entry) });
    }
    if (roots.empty())
        return Error{ .kind = Kind::missing, .why = "the backup holds none of the component's paths" };
    return roots;
}

bool is_mount_point(const io::Path& path) {
    struct stat own {
    }, above{};
    return ::lstat(path.c_str(), &own) == 0 && S_ISDIR(own.st_mode) &&
           ::lstat(path.parent_path().c_str(), &above) == 0 && own.st_dev != above.st_dev;
}

// Staging and aside lie beside the root, or inside where the root is a file system of its own.
LiveRoot live_root(const io::Path& path, Moment moment) {
    std::error_code fault;
    const auto parent = std::filesystem::weakly_canonical(path.parent_path(), fault);
    LiveRoot root{ fault ? path.parent_path() : parent, path.filename().string(), {}, {} };
    const auto near = is_mount_point(root.path()) ? root.path() / ".respawn" : root.path();
    root.staging = incoming_name(near, moment);
    root.aside = aside_name(near, moment);
    return root;
}

Value record_of(std::string_view step, const std::vector<LiveRoot>& roots, const std::string& tree) {
    Value::List staging, aside;
    for (const auto& root : roots) {
        staging.emplace_back(root.staging.string());
        aside.emplace_back(root.aside.string());
    }
    return Value::Map{ { "kind", "files" },
                       { "step", step },
                       { "staging", std::move(staging) },
                       { "aside", std::move(aside) },
                       { "tree", tree } };
}

io::Path plan_path(const io::Path& state) { return state / "restore.plan"; }
io::Path restored_path(const io::Path& state) { return state / "restored"; }

// Only names that incoming_name() makes are ever removed.
Result<void> remove_staging(const Value& record) {
    const auto* folders = record.at("staging").list();
    for (const auto& folder : folders ? *folders : Value::List{}) {
        const io::Path path = folder.text() ? *folder.text() : "";
        std::error_code fault;
        if (path.is_absolute() && path.filename().string().find(".restore-") != std::string::npos)
            std::filesystem::remove_all(path, fault);
        if (fault)
            return io::system_error("remove", path, fault.value());
    }
    return {};
}

Result<void> end_restore(const io::Path& state, const Value& record, bool completed) {
    TRY(remove_staging(record));
    if (completed)
        TRY(io::replace_durably(restored_path(state), record.text_at("tree")));
    TRY(clear_record(state));
    return io::remove_durably(plan_path(state));
}

std::vector<io::Path> kept_aside(const Value& record) {
    std::vector<io::Path> kept;
    const auto* folders = record.at("aside").list();
    for (const auto& folder : folders ? *folders : Value::List{})
        if (folder.text() && io::is_there(*folder.text()))
            kept.emplace_back(*folder.text());
    return kept;
}

Result<void> stage_all(const std::vector<RecordedRoot>& roots, const std::vector<LiveRoot>& live,
                       Planner& planner) {
    for (std::size_t i = 0; i < roots.size(); ++i) {
        TRY(io::make_folder(live[i].parent, 0755));
        TRY(planner.add_root(live[i], roots[i].entry));
    }
    for (const auto& root : live) {
        const auto staging = TRY(open_folder(root.staging));
        if (::syncfs(staging.number()) != 0)
            return io::system_error("make durable", root.staging, errno);
    }
    return {};
}

Result<void> must_fit(vault::Vault& from, const std::vector<RecordedRoot>& roots,
                      const std::vector<LiveRoot>& live, const Cancellation& cancel) {
    std::map<dev_t, std::uint64_t> needed;
    for (std::size_t i = 0; i < roots.size(); ++i) {
        Planner look(from, cancel, false);
        TRY(look.add_root(live[i], roots[i].entry));
        struct stat status {};
        ::stat(live[i].parent.c_str(), &status);
        needed[status.st_dev] += look.bytes;
        TRY(must_have_space(live[i].staging.parent_path(), needed[status.st_dev]));
    }
    return {};
}

} // namespace

Result<RestorePreview> preview_files(vault::Vault& from, const vault::ComponentRecord& record) {
    static const Cancellation never;
    RestorePreview preview;
    for (const auto& root : TRY(recorded_roots(from, record))) {
        Planner look(from, never, false);
        TRY(look.add_root(live_root(root.path, now()), root.entry));
        preview.bytes_needed += look.bytes;
        auto line =
            fmt::format("{}: create {}, replace {}, leave {} as they are",
                        printable(root.path.string()), look.created, look.replaced, look.unchanged);
        if (look.replaced > 0)
            line += fmt::format(
                "; the newest that is replaced changed {} ago",
                human_duration(now() - Moment{ static_cast<std::int64_t>(look.newest_ns / 1000) }));
        if (look.extra() > 0)
            line += fmt::format("; {} not in the backup stay", look.extra());
        preview.lines.push_back(std::move(line));
    }
    return preview;
}

Result<RestoreReport> restore_files_live(vault::Vault& from, const vault::ComponentRecord& record,
                                         const Work& work) {
    const auto begun = now();
    TRY(finish_files(work));
    const auto lock = TRY(hold_state(work.state));
    const auto roots = TRY(recorded_roots(from, record));
    std::vector<LiveRoot> live;
    for (const auto& root : roots)
        live.push_back(live_root(root.path, begun));
    TRY(must_fit(from, roots, live, work.cancel));
    TRY(save_record(work.state, record_of("copying", live, to_hex(record.tree))));
    const auto switching = record_of("switching", live, to_hex(record.tree));
    Planner planner(from, work.cancel, true);
    auto staged = stage_all(roots, live, planner);
    if (staged.ok())
        staged = io::replace_durably(plan_path(work.state), encode_plan(planner.plan));
    if (!staged.ok()) {
        TRY(end_restore(work.state, switching, false)); // nothing live was touched
        return std::move(staged).error();
    }
    TRY(save_record(work.state, switching));
    TRY(carry_out(planner.plan, planner.notes));
    TRY(end_restore(work.state, switching, true));
    RestoreReport report{ .size_bytes = record.size_bytes, .files = record.files };
    report.unchanged_files = planner.unchanged;
    report.kept_aside = kept_aside(switching);
    report.notes = planner.all_notes();
    report.checked = Value::Map{ { "created", static_cast<std::int64_t>(planner.created) },
                                 { "replaced", static_cast<std::int64_t>(planner.replaced) },
                                 { "unchanged", static_cast<std::int64_t>(planner.unchanged) } };
    report.duration = (now() - begun).count();
    return report;
}

Result<std::string> finish_files(const Work& work) {
    const auto record = TRY(load_record(work.state));
    if (!record)
        return std::string();
    const auto lock = TRY(hold_state(work.state));
    if (record->text_at("step") == "copying") {
        TRY(end_restore(work.state, *record, false));
        return std::string(
            "an interrupted restore had changed nothing yet; what it had copied was removed");
    }
    const auto plan = TRY(decode_plan(TRY(io::read_file(plan_path(work.state)))));
    Notes notes;
    TRY(carry_out(plan, notes));
    TRY(end_restore(work.state, *record, true));
    std::string did = "an interrupted restore was completed";
    for (const auto& folder : kept_aside(*record))
        did += fmt::format("; what was replaced is in {}", printable(folder.string()));
    return did;
}

std::string last_restored(const io::Path& state) {
    const auto text = io::read_file(restored_path(state), 4096);
    return text.ok() ? text.value() : std::string();
}

} // namespace respawn::component
