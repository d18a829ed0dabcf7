#include "database/database.h"
#include "database/mariadb.h"
#include "database/postgres.h"
#include "database/sqlite.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

// Adding a driver is one file and one line here.
struct Driver {
    std::string_view kind;
    Result<std::unique_ptr<Database>> (*open)(const config::ComponentSettings&);
    Result<std::unique_ptr<Trial>> (*open_copy)(const io::Path&); // null: no copy is a file
};
constexpr Driver drivers[] = {
    { "sqlite", open_sqlite, open_sqlite_copy },
    { "mariadb", open_mariadb, nullptr },
    { "postgres", open_postgres, nullptr },
};

const Driver* driver_for(const config::ComponentSettings& settings) {
    for (const auto& driver : drivers)
        if (driver.kind == settings.kind)
            return &driver;
    return nullptr;
}

Error no_database(const config::ComponentSettings& settings) {
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("component {} is of kind {}, which is no database", settings.name,
                                     settings.kind) };
}

} // namespace

bool is_database(const config::ComponentSettings& settings) { return driver_for(settings) != nullptr; }

Result<std::unique_ptr<Database>> open_database(const config::ComponentSettings& settings) {
    const auto* driver = driver_for(settings);
    return driver ? driver->open(settings) : no_database(settings);
}

Result<std::unique_ptr<Trial>> open_private_copy(const config::ComponentSettings& settings,
                                                 const io::Path& copy) {
    const auto* driver = driver_for(settings);
    if (driver && !driver->open_copy)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("a copy of component {} ({}) is no file", settings.name,
                                         settings.kind) };
    return driver ? driver->open_copy(copy) : no_database(settings);
}

} // namespace respawn::database
