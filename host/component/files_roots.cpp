#include "component/files_roots.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::component {

namespace {

io::Path without_slash(const io::Path& path) {
    auto normal = std::filesystem::absolute(path).lexically_normal();
    return normal.has_filename() || normal == normal.root_path() ? normal : normal.parent_path();
}

void insert(Roots& roots, const io::Path& path) {
    auto* node = &roots.top;
    for (const auto& part : path.relative_path()) {
        if (node->whole)
            return;
        node = &node->below[part.string()];
    }
    if (!node->whole)
        roots.paths.push_back(path);
    node->whole = true;
    node->below.clear();
    std::erase_if(roots.paths, [&](const io::Path& other) {
        return other != path && other.string().starts_with(path == "/" ? "/" : path.string() + "/");
    });
}

void add(Roots& roots, const io::Path& given, Notes& problems, Notes& notes) {
    const auto path = without_slash(given);
    std::error_code fault;
    const auto parent = std::filesystem::canonical(path.parent_path(), fault);
    const auto real = path.has_filename() ? parent / path.filename() : path;
    if (fault || !io::is_there(real)) {
        problems.add(fmt::format("{} is missing", printable(given.string())));
        return;
    }
    insert(roots, real);
    if (!std::filesystem::is_symlink(real, fault))
        return;
    const auto target = std::filesystem::canonical(real, fault);
    if (fault)
        problems.add(
            fmt::format("{} is a link to something that is missing", printable(given.string())));
    else
        insert(roots, target);
    if (!fault)
        notes.add(fmt::format("{} is a link: it and {} are kept", printable(given.string()),
                              printable(target.string())));
}

} // namespace

Roots find_roots(const std::vector<io::Path>& paths, Notes& problems, Notes& notes) {
    Roots roots;
    for (const auto& path : paths)
        add(roots, path, problems, notes);
    return roots;
}

} // namespace respawn::component
