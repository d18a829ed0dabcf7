// What the contract of databases is tested with: a driver, a database of its own, and the game that
// plays beside it.
#pragma once

#include "base/text.h"
#include "contract/servers.h"
#include "database/database.h"
#include "database/sqlite_connection.h"

#include <catch2/catch.hpp>
#include <functional>

namespace respawn::testing {

using database::Change;
using database::ChangeKind;
using database::Marker;
using database::RowChange;
using database::SqliteConnection;
using database::Write;

// A database of its own and its own client beside it: one line a driver.
struct Rig {
    std::string kind;
    // Makes the database.
    std::function<config::ComponentSettings(const io::Path& folder)> settings;
    // Runs a script as the game would, on a connection of its own.
    std::function<void(const config::ComponentSettings&, const std::string& sql)> game;
    // A connection of the game's that stays open.
    std::function<std::unique_ptr<database::Session>(const config::ComponentSettings&)> session;
    std::function<void(const config::ComponentSettings&)> drop;
    // players, duels, audit, and a trigger that fills audit.
    std::string schema;
};
std::vector<Rig> database_rigs();
std::vector<Rig> server_rigs();
const Rig& rig_of(std::string_view kind);

std::string whole(io::Source& source);

struct Scene {
    explicit Scene(const Rig& rig);
    Scene(const Rig& rig, config::ComponentSettings known); // on a server of the test's own
    ~Scene();
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    void game(const std::string& sql) const { rig_.game(settings, sql); }
    std::unique_ptr<database::Session> game_session() const { return rig_.session(settings); }
    Value one(std::string_view sql) const;
    // All rows: "7 active,8 ended".
    std::string text(std::string_view sql) const;
    Result<database::Written> write(const std::vector<Change>& changes, std::int64_t step = 1,
                                    std::int64_t token = 1, const std::string& target = "/",
                                    const std::string& run = "RUN1") const;
    // All that the game has there.
    std::string all() const;
    // What this engine says it as: of sqlite, mariadb, postgres.
    std::string in(const std::string& sqlite, const std::string& mariadb,
                   const std::string& postgres) const;

    Rig rig_;
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    config::ComponentSettings settings;
    std::unique_ptr<database::Database> database;
};

Change update(std::string table, Value::Map key, Value::Map set);
Change insert(std::string table, Value::Map set);
Change removal(std::string table, Value::Map key);
Change paid(std::int64_t player, std::int64_t amount, std::string business_key);

template <class T> Kind kind_of(const Result<T>& result) {
    REQUIRE_FALSE(result.ok());
    INFO(result.error().why);
    CHECK_FALSE(result.error().why.empty());
    return result.error().kind;
}
// The value, or a test that fails with what went wrong.
template <class T> T got(Result<T> result) {
    INFO((result.ok() ? "" : result.error().why));
    REQUIRE(result.ok());
    return std::move(result).value();
}
const RowChange* row_of(const database::Written& written, std::string_view table);

} // namespace respawn::testing
