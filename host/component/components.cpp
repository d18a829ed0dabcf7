#include "base/text.h"
#include "component/component.h"
#include "component/files.h"
#include "component/mariadb.h"
#include "component/sqlite.h"
#include "database/database.h"

#include <fmt/format.h>

namespace respawn::component {

Result<std::unique_ptr<Component>> open_component(const config::ComponentSettings& settings) {
    if (settings.kind == "sqlite")
        return open_sqlite(settings);
    if (settings.kind == "files")
        return open_files(settings);
    if (settings.kind == "mariadb")
        return open_mariadb(settings);
    if (database::is_database(settings))
        return Error{ .kind = Kind::unsupported,
                      .why =
                          fmt::format("component {} is of kind {}, and backing that up or bringing it "
                                      "back is for a later version",
                                      settings.name, settings.kind),
                      .fix = "name the other components in the plan; runbooks can read and write it" };
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("component {} has the unknown kind '{}'", settings.name,
                                     printable(settings.kind)),
                  .fix = "the kinds are: files, sqlite, mariadb, postgres" };
}

Result<std::unique_ptr<Component>> open_recorded(const vault::ComponentRecord& record) {
    config::ComponentSettings settings;
    settings.name = record.name;
    settings.kind = record.kind;
    settings.path = record.detail.text_at("path");
    if (const auto* paths = record.detail.at("paths").list())
        for (const auto& path : *paths)
            settings.paths.emplace_back(path.text() ? *path.text() : "");
    if (const auto* patterns = record.detail.at("exclude").list())
        for (const auto& pattern : *patterns)
            settings.exclude.push_back(pattern.text() ? *pattern.text() : "");
    return open_component(settings);
}

} // namespace respawn::component
