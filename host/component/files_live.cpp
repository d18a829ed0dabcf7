#include "component/files_live.h"

#include "base/text.h"
#include "component/files_planner.h"
#include "component/files_tree.h"
#include "component/restore_record.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

namespace {

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
        Planner look(from, cancel);
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
        Planner look(from, never);
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
    Planner planner(from, work.cancel, work.state);
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
