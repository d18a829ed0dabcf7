#include "contract/journal_rig.h"

#include "base/text.h"
#include "contract/servers.h"
#include "database/postgres.h"
#include "database/sqlite_connection.h"

#include <fmt/format.h>

namespace respawn::testing {

namespace {

config::ComponentSettings settings_of(const std::string& database) {
    const auto& server = shared_server("postgres");
    return { .name = "journal",
             .kind = "postgres",
             .url = fmt::format("postgres://postgres@127.0.0.1:{}/{}", server.at("PORT"), database),
             .password = Secret("test", server.at("PASSWORD")) };
}

config::ComponentSettings new_file(const io::Path& folder) {
    return { .name = "journal", .kind = "sqlite", .path = folder / "journal.db" };
}

bool sqlite_sql(const config::ComponentSettings& place, const std::string& statements) {
    auto connection =
        database::SqliteConnection::open(place.path, database::SqliteConnection::Access::read_write);
    REQUIRE(connection.ok());
    return connection.value().run_script(statements).ok();
}

} // namespace

bool fleet_sql(const config::ComponentSettings& place, const std::string& sql) {
    const auto session = database::connect_postgres(place, {});
    REQUIRE(session.ok());
    const auto done = session.value()->run(sql);
    UNSCOPED_INFO(sql << (done.ok() ? "" : ": " + done.error().why));
    return done.ok();
}

config::ComponentSettings new_fleet_database() {
    auto name = "j" + make_ulid(now());
    for (auto& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    REQUIRE(fleet_sql(settings_of("postgres"), "create database " + name));
    return settings_of(name);
}

void drop_fleet_database(const config::ComponentSettings& place) {
    const auto name = place.url.substr(place.url.rfind('/') + 1);
    CHECK(fleet_sql(settings_of("postgres"), "drop database " + name + " with (force)"));
}

std::vector<JournalRig> journal_rigs() {
    return { { "local", new_file,
               [](const auto& place, const crypto::Key& key) {
                   return journal::open_local_journal(place.path, key);
               },
               [](const auto& place) { std::filesystem::remove_all(place.path); }, sqlite_sql },
             { "fleet", [](const io::Path&) { return new_fleet_database(); },
               [](const auto& place, const crypto::Key& key) {
                   return journal::open_fleet_journal({ place, std::chrono::seconds(30) }, key);
               },
               drop_fleet_database,
               [](const auto& place, const std::string& statements) {
                   for (const auto statement : split(statements, ';'))
                       if (!fleet_sql(place, std::string(statement)))
                           return false;
                   return true;
               } } };
}

journal::RunRecord new_run(std::string target) {
    return { .id = make_ulid(now()),
             .runbook = "wox/stuck_duel",
             .version = "1.0.0",
             .mode = "live",
             .target = std::move(target),
             .operator_name = "ada",
             .reason = {},
             .plan = {},
             .parameters = Value::Map{ { "wallet", canary } },
             .description = Value::Map{ { "summary", "…" } } };
}

journal::CallRecord call(std::int64_t position, journal::Policy policy, journal::CallState state) {
    return { .position = position,
             .phase = "repair",
             .name = policy == journal::Policy::none ? "sql" : "write",
             .component = "game",
             .where = "stuck_duel.lua:7",
             .argument_hash = "abcdef0123456789",
             .arguments = Value::Map{ { "wallet", canary } },
             .policy = policy,
             .state = state,
             .token = 1,
             .result =
                 state == journal::CallState::done ? Value(Value::Map{ { "value", canary } }) : Value(),
             .begun = now(),
             .settled = state == journal::CallState::intent ? Moment{} : now() };
}

} // namespace respawn::testing
