#include "run/runbook.h"

#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <sys/stat.h>

namespace respawn::run {

namespace {

constexpr std::size_t largest_file = 1 << 20;
constexpr std::size_t longest_name = 200;
constexpr std::string_view extension = ".lua";

bool is_name_part(std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

bool is_name(std::string_view name, char separator) {
    const auto parts = split(name, separator);
    return name.size() <= longest_name && std::all_of(parts.begin(), parts.end(), is_name_part);
}

Error link_error(const io::Path& path) {
    return { .kind = Kind::denied,
             .why = fmt::format("{} is reached by a link; scripts are read from their own folder only",
                                printable(path.string())),
             .fix = "put the file itself there" };
}

Result<io::Descriptor> open_step(int folder, const std::string& name, int flags, const io::Path& path) {
    io::Descriptor opened(
        ::openat(folder, name.c_str(), flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (opened.open())
        return opened;
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
        return link_error(path);
    return io::system_error("open", path, errno);
}

// Step by step from `root`, so that no link below it is followed, not even one that appears meanwhile.
Result<io::Descriptor> open_below(const io::Path& root, std::string_view relative) {
    const auto path = root / relative;
    io::Descriptor here(::open(root.empty() ? "." : root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!here.open())
        return io::system_error("open", root, errno);
    const auto steps = split(relative, '/');
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const int flags = i + 1 < steps.size() ? O_DIRECTORY : 0;
        here = TRY(open_step(here.number(), std::string(steps[i]), flags, path));
    }
    return here;
}

Result<std::string> read_below(const io::Path& root, std::string_view relative) {
    const auto path = root / relative;
    const auto file = TRY(open_below(root, relative));
    struct stat status {};
    if (::fstat(file.number(), &status) != 0)
        return io::system_error("read", path, errno);
    if (!S_ISREG(status.st_mode))
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("{} is no file", printable(path.string())) };
    auto text = TRY(io::read_at(file.number(), 0, largest_file + 1, path));
    if (text.size() > largest_file)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("{} is larger than {}", printable(path.string()),
                                         human_size(largest_file)) };
    return text;
}

Result<std::string> read_first(const std::vector<io::Path>& folders, std::string_view relative,
                               io::Path* found_in = nullptr) {
    for (const auto& folder : folders) {
        auto text = read_below(folder, relative);
        if (!text.ok() && text.error().kind == Kind::missing)
            continue;
        if (text.ok() && found_in)
            *found_in = folder;
        return text;
    }
    std::vector<std::string> looked;
    for (const auto& folder : folders)
        looked.push_back(printable((folder / relative).string()));
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("there is no {}", looked.empty() ? std::string(relative)
                                                                      : join(looked, " and no ")) };
}

std::string last_part(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

Source source_named(std::string_view name, io::Path folder, std::string text) {
    Source source{ .name = std::string(name), .main = last_part(name), .folder = std::move(folder) };
    source.modules.emplace(source.main, std::move(text));
    return source;
}

Result<Source> find_by_path(const io::Path& path) {
    const auto file = path.filename().string();
    const auto name = file.substr(0, file.size() - std::min(file.size(), extension.size()));
    if (path.extension() != extension || !is_name_part(name))
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("'{}' is no name of a runbook's file", printable(file)),
                      .fix = "name it with a-z, 0-9 and _, and .lua at the end" };
    return source_named(name, path.parent_path(), TRY(read_below(path.parent_path(), file)));
}

Error no_runbook(std::string_view name, Error error, const Folders& folders) {
    error.what = "find the runbook";
    error.on = printable(name);
    error.fix = "see them all with: respawn runbooks";
    const auto names = list_runbooks(folders);
    const auto near = names.ok() ? nearest(name, names.value()) : std::string();
    if (!near.empty())
        error.fix = fmt::format("did you mean {}? {}", near, error.fix);
    return error;
}

Result<Source> find_by_name(std::string_view name, const Folders& folders) {
    if (!is_name(name, '/'))
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("'{}' is no name of a runbook", printable(name)),
                      .fix =
                          "write it as in: respawn run wox/stuck_duel; or a file as ./stuck_duel.lua" };
    io::Path folder;
    const auto relative = fmt::format("{}{}", name, extension);
    auto text = read_first(folders.runbooks, relative, &folder);
    if (!text.ok())
        return no_runbook(name, text.error(), folders);
    return source_named(name, (folder / relative).parent_path(), std::move(text).value());
}

enum class Wanted { runbooks, tests };

void collect(const io::Path& folder, const std::string& prefix, int depth, Wanted wanted,
             std::set<std::string>& names) {
    constexpr int deepest = 8;
    std::error_code fault;
    std::filesystem::directory_iterator entries(folder, fault);
    for (; !fault && entries != std::filesystem::directory_iterator(); entries.increment(fault)) {
        const auto status = entries->symlink_status(fault).type();
        const auto stem = entries->path().stem().string();
        const bool lua = entries->path().extension() == extension &&
                         stem.ends_with("_test") == (wanted == Wanted::tests);
        if (status == std::filesystem::file_type::directory && depth < deepest &&
            is_name_part(entries->path().filename().string()))
            collect(entries->path(), prefix + stem + "/", depth + 1, wanted, names);
        else if (status == std::filesystem::file_type::regular && lua && is_name_part(stem))
            names.insert(prefix + stem);
    }
}

std::vector<std::string> list(const Folders& folders, Wanted wanted) {
    std::set<std::string> names;
    for (const auto& folder : folders.runbooks)
        collect(folder, "", 0, wanted, names);
    return { names.begin(), names.end() };
}

} // namespace

Result<std::vector<std::string>> list_runbooks(const Folders& folders) {
    return list(folders, Wanted::runbooks);
}

Result<std::vector<std::string>> list_tests(const Folders& folders) {
    return list(folders, Wanted::tests);
}

Result<Source> find_runbook(std::string_view name_or_path, const Folders& folders) {
    const bool path = name_or_path.ends_with(extension) || name_or_path.starts_with("/") ||
                      name_or_path.starts_with("./") || name_or_path.starts_with("../");
    return path ? find_by_path(io::Path(name_or_path)) : find_by_name(name_or_path, folders);
}

Result<std::string> read_module(const Source& source, std::string_view module, const Folders& folders) {
    constexpr std::string_view shared = "stdlib.";
    if (!is_name(module, '.'))
        return Error{ .kind = Kind::script,
                      .why = fmt::format("'{}' is no name of a module", printable(module)) };
    const bool from_stdlib = module.starts_with(shared);
    std::string relative(from_stdlib ? module.substr(shared.size()) : module);
    std::replace(relative.begin(), relative.end(), '.', '/');
    relative += extension;
    return from_stdlib ? read_first(folders.stdlib, relative) : read_first({ source.folder }, relative);
}

} // namespace respawn::run
