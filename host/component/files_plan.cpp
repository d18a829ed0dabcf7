#include "component/files_plan.h"

#include "base/bytes.h"
#include "base/text.h"
#include "component/files_tree.h"
#include "component/metadata.h"
#include "crypto/crypto.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::string_view plan_magic = "respawn files plan 1\n";

void add_step(ByteWriter& out, const Step& step) {
    out.u8(static_cast<std::uint8_t>(step.what)).u32(step.root).u64(step.staged);
    out.u32(static_cast<std::uint32_t>(step.names.size()));
    for (const auto& name : step.names)
        out.text(name);
    if (step.what != Step::What::finish_folder)
        return;
    const auto& entry = step.metadata;
    out.u32(entry.mode).u32(entry.user).u32(entry.group).text(entry.user_name).text(entry.group_name);
    out.i64(entry.modified_ns).u32(static_cast<std::uint32_t>(entry.attributes.size()));
    for (const auto& [name, value] : entry.attributes)
        out.text(name).text(value);
}

Result<vault::TreeEntry> metadata_from(ByteReader& in) {
    vault::TreeEntry entry{ .type = vault::EntryType::folder };
    entry.mode = TRY(in.u32());
    entry.user = TRY(in.u32());
    entry.group = TRY(in.u32());
    entry.user_name = TRY(in.text());
    entry.group_name = TRY(in.text());
    entry.modified_ns = TRY(in.i64());
    const auto attributes = TRY(in.u32());
    for (std::uint32_t i = 0; i < attributes; ++i) {
        std::string name(TRY(in.text()));
        entry.attributes.emplace_back(std::move(name), TRY(in.text()));
    }
    return entry;
}

Error bad_plan() {
    return { .kind = Kind::corrupt,
             .why = "the list of what an interrupted restore has left to do is damaged",
             .fix = "look for *.aside-* and *.restore-* beside the live data" };
}

Result<Step> step_from(ByteReader& in, std::size_t roots) {
    Step step;
    const auto what = TRY(in.u8());
    step.what = static_cast<Step::What>(what);
    step.root = TRY(in.u32());
    step.staged = TRY(in.u64());
    const auto names = TRY(in.u32());
    for (std::uint32_t i = 0; i < names; ++i) {
        step.names.emplace_back(TRY(in.text()));
        if (!is_plain_name(step.names.back()))
            return bad_plan();
    }
    if (what < 1 || what > 3 || step.root >= roots || step.names.empty())
        return bad_plan();
    if (step.what == Step::What::finish_folder)
        step.metadata = TRY(metadata_from(in));
    return step;
}

} // namespace

std::string encode_plan(const Plan& plan) {
    ByteWriter out;
    out.raw(plan_magic).u32(static_cast<std::uint32_t>(plan.roots.size()));
    for (const auto& root : plan.roots)
        out.text(root.parent.string())
            .text(root.name)
            .text(root.staging.string())
            .text(root.aside.string());
    out.u64(plan.steps.size());
    for (const auto& step : plan.steps)
        add_step(out, step);
    return out.bytes() + crypto::sha256(out.bytes());
}

Result<Plan> decode_plan(std::string_view bytes) {
    if (bytes.size() < 32 + plan_magic.size() || !bytes.starts_with(plan_magic) ||
        crypto::sha256(bytes.substr(0, bytes.size() - 32)) != bytes.substr(bytes.size() - 32))
        return bad_plan();
    ByteReader in(bytes.substr(plan_magic.size(), bytes.size() - 32 - plan_magic.size()));
    Plan plan;
    const auto roots = TRY(in.u32());
    for (std::uint32_t i = 0; i < roots; ++i) {
        LiveRoot root;
        root.parent = std::string(TRY(in.text()));
        root.name = TRY(in.text());
        root.staging = std::string(TRY(in.text()));
        root.aside = std::string(TRY(in.text()));
        plan.roots.push_back(std::move(root));
    }
    const auto steps = TRY(in.u64());
    for (std::uint64_t i = 0; i < steps; ++i)
        plan.steps.push_back(TRY(step_from(in, plan.roots.size())));
    TRY(in.must_be_at_end());
    return plan;
}

namespace {

bool is_same(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

std::vector<std::string> folders_of(const Step& step) {
    return { step.names.begin(), step.names.end() - 1 };
}

io::Path path_of(const LiveRoot& root, const Step& step) {
    auto path = root.parent;
    for (const auto& name : step.names)
        path /= name;
    return path;
}

// The folder in `aside` for a step's old file: below it, the old path below the root.
Result<io::Descriptor> aside_folder(const LiveRoot& root, const Step& step) {
    TRY(io::make_folder(root.aside));
    auto folder = TRY(open_folder(root.aside));
    for (std::size_t i = 1; i + 1 < step.names.size(); ++i) {
        if (::mkdirat(folder.number(), step.names[i].c_str(), 0700) != 0 && errno != EEXIST)
            return io::system_error("create folder in", root.aside, errno);
        folder = TRY(open_folder_at(folder.number(), step.names[i], root.aside));
    }
    return folder;
}

// The first of "name", "name.2", "name.3" … that is free in the folder or that is this very file.
Result<std::string> kept_name(int folder, const std::string& name, const struct stat& old,
                              const io::Path& shown) {
    auto kept = name;
    for (int i = 2;; ++i) {
        const auto taken = TRY(stat_at(folder, kept, shown));
        if (!taken || is_same(*taken, old))
            return kept;
        kept = fmt::format("{}.{}", name, i);
    }
}

Result<void> move_aside(int folder, const LiveRoot& root, const Step& step, const struct stat& old) {
    const auto to = TRY(aside_folder(root, step));
    const auto kept = TRY(kept_name(to.number(), step.names.back(), old, root.aside));
    if (::renameat(folder, step.names.back().c_str(), to.number(), kept.c_str()) != 0)
        return io::system_error("move aside", path_of(root, step), errno);
    return {};
}

Result<bool> is_staged(const LiveRoot& root, const Step& step) {
    return io::is_there(root.staging / std::to_string(step.staged));
}

// Links what a put will replace into `aside`; a folder is only moved when its turn comes.
Result<void> keep_old(const LiveRoot& root, const Step& step) {
    if (step.what != Step::What::put || !TRY(is_staged(root, step)))
        return {};
    const auto top = TRY(open_folder(root.parent));
    const auto path = path_of(root, step);
    const auto folder = open_below(top.number(), folders_of(step), path);
    if (!folder.ok()) // a folder that this plan makes
        return {};
    const auto old = TRY(stat_at(folder.value().number(), step.names.back(), path));
    if (!old || S_ISDIR(old->st_mode))
        return {};
    const auto to = TRY(aside_folder(root, step));
    const auto kept = TRY(kept_name(to.number(), step.names.back(), *old, root.aside));
    if (::linkat(folder.value().number(), step.names.back().c_str(), to.number(), kept.c_str(), 0) ==
            0 ||
        errno == EEXIST || errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK)
        return {}; // without links it is moved when its turn comes
    return io::system_error("keep aside", path, errno);
}

Result<bool> is_kept(const LiveRoot& root, const Step& step, const struct stat& old) {
    const auto to = TRY(aside_folder(root, step));
    const auto kept = TRY(kept_name(to.number(), step.names.back(), old, root.aside));
    return TRY(stat_at(to.number(), kept, root.aside)).has_value();
}

Result<void> make_folder_step(int folder, const LiveRoot& root, const Step& step) {
    const auto path = path_of(root, step);
    const auto old = TRY(stat_at(folder, step.names.back(), path));
    if (old && S_ISDIR(old->st_mode))
        return {};
    if (old)
        TRY(move_aside(folder, root, step, *old));
    if (::mkdirat(folder, step.names.back().c_str(), 0700) != 0)
        return io::system_error("create folder", path, errno);
    return {};
}

Result<void> put_step(int folder, const LiveRoot& root, const Step& step) {
    if (!TRY(is_staged(root, step)))
        return {}; // done before
    const auto path = path_of(root, step);
    const auto old = TRY(stat_at(folder, step.names.back(), path));
    if (old && (S_ISDIR(old->st_mode) || !TRY(is_kept(root, step, *old))))
        TRY(move_aside(folder, root, step, *old));
    const auto staging = TRY(open_folder(root.staging));
    const auto staged = std::to_string(step.staged);
    if (::renameat(staging.number(), staged.c_str(), folder, step.names.back().c_str()) != 0)
        return io::system_error("put in place", path, errno);
    // rename(2) does nothing where both names are links to one file.
    if (::unlinkat(staging.number(), staged.c_str(), 0) != 0 && errno != ENOENT)
        return io::system_error("put in place", path, errno);
    return {};
}

Result<void> carry_out_step(const LiveRoot& root, const Step& step, Owners& owners, Notes& notes) {
    const auto top = TRY(open_folder(root.parent));
    const auto path = path_of(root, step);
    const auto folder = TRY(open_below(top.number(), folders_of(step), path));
    switch (step.what) {
    case Step::What::make_folder:
        return make_folder_step(folder.number(), root, step);
    case Step::What::put:
        return put_step(folder.number(), root, step);
    default:
        return put_back_metadata(folder.number(), step.names.back(), step.metadata, owners, notes,
                                 path);
    }
}

// Everything on the file systems of the roots.
Result<void> sync_roots(const Plan& plan) {
    for (const auto& root : plan.roots) {
        for (const auto& path : { root.parent, root.staging }) {
            if (!io::is_there(path))
                continue;
            const auto folder = TRY(open_folder(path));
            if (::syncfs(folder.number()) != 0)
                return io::system_error("make durable", path, errno);
        }
    }
    return {};
}

} // namespace

Result<void> carry_out(const Plan& plan, Notes& notes) {
    for (const auto& step : plan.steps)
        TRY(keep_old(plan.roots[step.root], step));
    TRY(sync_roots(plan));
    Owners owners;
    for (const auto& step : plan.steps)
        TRY(carry_out_step(plan.roots[step.root], step, owners, notes));
    return sync_roots(plan);
}

} // namespace respawn::component
