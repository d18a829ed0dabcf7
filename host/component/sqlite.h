// The kind "sqlite": one SQLite database file.
#pragma once

#include "component/component.h"
#include "database/sqlite_handle.h"

namespace respawn::component {

using database::LockPatience;

std::unique_ptr<Component> open_sqlite(const config::ComponentSettings& settings,
                                       Duration patience = std::chrono::seconds(30));

} // namespace respawn::component
