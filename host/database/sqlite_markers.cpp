#include "database/sqlite_markers.h"

#include "base/bytes.h"
#include "base/id.h"
#include "base/text.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

const std::string schema = R"(
create table if not exists respawn_incarnation (id text not null);
create table if not exists respawn_markers (
    number integer primary key autoincrement,
    run text not null, step integer not null, target text not null, token integer not null,
    why text not null, at text not null, result blob,
    unique (run, step));
create table if not exists respawn_business_keys (business_key text primary key, marker integer not null) without rowid;
create table if not exists respawn_fence (target text primary key, token integer not null) without rowid;
)";

Result<bool> has_tables(SqliteConnection& connection) {
    return !TRY(connection.value("select 1 from sqlite_schema where name = 'respawn_markers'"))
                .is_null();
}

Result<void> make_tables(SqliteConnection& connection) {
    if (TRY(has_tables(connection)))
        return {};
    TRY(connection.run_script(schema));
    return connection.run("insert into respawn_incarnation values (?)", { make_ulid(now()) });
}

Error used_before(const std::string& key, const Value::Map& marker) {
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} was done before, by run {} at {}", printable(key),
                                     marker.at("run").text() ? *marker.at("run").text() : "?",
                                     marker.at("at").text() ? *marker.at("at").text() : "?"),
                  .fix = "it happens once, ever: look at that run with `respawn runs show`" };
}

} // namespace

Result<void> check_token(SqliteConnection& connection, const Marker& marker) {
    TRY(make_tables(connection));
    const auto highest = TRY(connection.value(
        "select max(token) from respawn_fence where substr(target, 1, length(?1)) = ?1 "
        "or substr(?1, 1, length(target)) = target",
        { marker.target }));
    if (highest.integer() && *highest.integer() > marker.token)
        return Error{ .kind = Kind::leased,
                      .why = fmt::format("a later run has taken over {} (its token is {}, ours {})",
                                         printable(marker.target), *highest.integer(), marker.token),
                      .fix = "respawn runs shows it; nothing was changed by this one" };
    return connection.run("insert into respawn_fence values (?, ?) on conflict (target) do update set "
                          "token = excluded.token",
                          { marker.target, marker.token });
}

Result<void> check_business_keys(SqliteConnection& connection, const Write& write) {
    if (!TRY(has_tables(connection)))
        return {};
    for (const auto& change : write.changes) {
        if (change.business_key.empty())
            continue;
        const auto used =
            TRY(connection.rows("select m.run, m.at from respawn_business_keys k left join "
                                "respawn_markers m on m.number = k.marker where k.business_key = ?",
                                { change.business_key }));
        if (!used.empty())
            return used_before(change.business_key, used[0]);
    }
    return {};
}

Result<void> take_business_keys(SqliteConnection& connection, const Write& write,
                                std::int64_t marker_number) {
    TRY(check_business_keys(connection, write));
    for (const auto& change : write.changes) {
        if (change.business_key.empty())
            continue;
        auto taken = connection.run("insert into respawn_business_keys values (?, ?)",
                                    { change.business_key, marker_number });
        if (!taken.ok() && taken.error().kind == Kind::conflict)
            return Error{ .kind = Kind::script,
                          .why = fmt::format("two changes of one write carry the business key {}",
                                             printable(change.business_key)) };
        TRY(std::move(taken));
    }
    return {};
}

Result<std::int64_t> add_marker(SqliteConnection& connection, const Marker& marker,
                                std::string_view why, Moment moment) {
    TRY(connection.run(
        "insert into respawn_markers (run, step, target, token, why, at) values (?, ?, ?, ?, ?, ?)",
        { marker.run, marker.step, marker.target, marker.token, why, to_rfc3339(moment, true) }));
    return *TRY(connection.value("select last_insert_rowid()")).integer();
}

Result<void> fill_marker(SqliteConnection& connection, std::int64_t number, const Written& written) {
    return connection.run("update respawn_markers set result = ? where number = ?",
                          { Blob{ encode(to_value(written)) }, number });
}

Result<std::optional<Written>> find_marker(SqliteConnection& connection, std::string_view run,
                                           std::int64_t step) {
    if (!TRY(has_tables(connection)))
        return std::optional<Written>();
    const auto result = TRY(connection.value(
        "select result from respawn_markers where run = ? and step = ?", { run, step }));
    if (!result.blob())
        return std::optional<Written>();
    return std::optional<Written>(TRY(written_from(TRY(decode(result.blob()->bytes)))));
}

Result<MarkerState> read_marker_state(SqliteConnection& connection) {
    if (!TRY(has_tables(connection)))
        return MarkerState{};
    const auto incarnation = TRY(connection.value("select id from respawn_incarnation"));
    const auto highest = TRY(connection.value("select max(number) from respawn_markers"));
    return MarkerState{ incarnation.text() ? *incarnation.text() : "",
                        highest.integer() ? *highest.integer() : 0 };
}

} // namespace respawn::database
