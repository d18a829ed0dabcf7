#include "component/mariadb_switch.h"

#include "base/bytes.h"
#include "base/text.h"
#include "component/restore_record.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr std::size_t longest_name = 64; // characters, at the server
constexpr std::string_view definitions = "respawn_definitions";
constexpr auto short_patience =
    "set session lock_wait_timeout = 5"; // the game is stopped: who holds one?

// At most so many bytes of whole characters.
std::string beginning(std::string_view name, std::size_t most) {
    auto size = std::min(name.size(), most);
    while (size > 0 && size < name.size() && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80)
        --size;
    return std::string(name.substr(0, size));
}

std::string in(const std::string& database, std::string_view name) {
    return MariadbTables::quoted(database) + "." + MariadbTables::quoted(name);
}

// Base tables and sequences.
Result<std::vector<std::string>> tables_in(MariadbTables& server, const std::string& database) {
    std::vector<std::string> names;
    for (const auto& row : TRY(server.rows(
             fmt::format("select table_name from information_schema.tables where table_schema = {} and "
                         "table_type <> 'VIEW' order by table_name",
                         MariadbTables::literal(database)))))
        names.push_back(row[0].value_or(""));
    return names;
}

Result<void> use(MariadbTables& server, const std::string& database) {
    return server.run("use " + MariadbTables::quoted(database));
}

// ---- what acts by itself ----

Result<void> keep_definitions(MariadbTables& server, const DatabaseSwitch& plan,
                              const ServerSchema& schema) {
    TRY(server.run(fmt::format(
        "create table if not exists {} (kind varchar(20) not null, name "
        "varchar(64) not null, definition longblob not null, readable longtext, "
        "position int not null, primary key (kind, name)) engine=InnoDB default charset=utf8mb4 "
        "collate=utf8mb4_bin",
        in(plan.aside, definitions))));
    for (std::size_t i = 0; i < schema.objects.size(); ++i) {
        const auto& object = schema.objects[i];
        if (object.kind == "sequence")
            continue;
        const ServerSchema one{ .charset = schema.charset, .objects = { object } };
        TRY(server.run(fmt::format("insert ignore into {} values ({}, {}, {}, {}, {})",
                                   in(plan.aside, definitions), MariadbTables::literal(object.kind),
                                   MariadbTables::literal(object.name),
                                   MariadbTables::literal(encode(one.value())).substr(9),
                                   MariadbTables::literal(object.create), i)));
    }
    return {};
}

Result<ServerSchema> kept_definitions(MariadbTables& server, const DatabaseSwitch& plan) {
    ServerSchema kept;
    if (TRY(tables_in(server, plan.aside)).empty())
        return kept;
    for (const auto& row : TRY(server.rows(fmt::format(
             "select hex(definition) from {} order by position", in(plan.aside, definitions))))) {
        const auto one = TRY(ServerSchema::from(TRY(decode(TRY(from_hex(row[0].value_or("")))))));
        kept.objects.insert(kept.objects.end(), one.objects.begin(), one.objects.end());
    }
    return kept;
}

bool is_trigger(const ServerObject& object) { return object.kind == "trigger"; }

// What was dropped: that which is kept and no longer live.
Result<ServerSchema> dropped_objects(MariadbTables& server, const DatabaseSwitch& plan) {
    auto kept = TRY(kept_definitions(server, plan));
    const auto there = TRY(read_schema(server));
    std::erase_if(kept.objects, [&](const ServerObject& object) {
        return std::ranges::any_of(there.objects, [&](const ServerObject& other) {
            return other.kind == object.kind && other.name == object.name;
        });
    });
    return kept;
}

// Tables with triggers cannot go to another database; views and routines would stay behind. Triggers
// first: these wait for locks on their tables.
Result<void> drop_objects(MariadbTables& server, ServerSchema schema) {
    std::ranges::stable_partition(schema.objects, is_trigger);
    for (const auto& object : schema.objects)
        if (object.kind != "sequence")
            TRY(drop_object(server, object));
    return {};
}

// ---- tables ----

Result<void> exchange_tables(MariadbTables& server, const DatabaseSwitch& plan) {
    std::vector<std::string> moves;
    for (const auto& name : TRY(tables_in(server, plan.live)))
        moves.push_back(fmt::format("{} to {}", in(plan.live, name), in(plan.aside, name)));
    for (const auto& name : TRY(tables_in(server, plan.incoming)))
        moves.push_back(fmt::format("{} to {}", in(plan.incoming, name), in(plan.live, name)));
    return server.run("rename table " + join(moves, ", "));
}

// What was put aside goes again once all that it holds is live: never while it has tables, or the only
// text of a trigger that could not be made again.
Result<void> drop_aside(MariadbTables& server, const DatabaseSwitch& plan, const Notes& notes) {
    auto tables = TRY(tables_in(server, plan.aside));
    std::erase(tables, definitions);
    if (tables.empty() && notes.empty())
        return drop_database(server, plan.aside);
    return Error{ .kind = Kind::needs_person,
                  .why = fmt::format("the restore was taken back, but for this: {}",
                                     notes.empty() ? "tables lie in " + printable(plan.aside)
                                                   : join(notes.lines(), "; ")),
                  .fix = fmt::format("table {} of the database {} has the definitions: make them by "
                                     "hand, then run the same command again",
                                     definitions, printable(plan.aside)) };
}

Result<void> take_back(MariadbTables& server, const DatabaseSwitch& plan, const io::Path& state) {
    Notes notes;
    TRY(use(server, plan.live));
    TRY(make_objects(server, TRY(dropped_objects(server, plan)), notes));
    TRY(drop_aside(server, plan, notes));
    TRY(drop_database(server, plan.incoming));
    return clear_record(state);
}

io::Path schema_path(const io::Path& state) { return state / "restore.schema"; }

Result<void> put_aside(MariadbTables& server, const DatabaseSwitch& plan) {
    const auto old = TRY(read_schema(server));
    TRY(keep_definitions(server, plan, old));
    TRY(drop_objects(server, old));
    return exchange_tables(server, plan);
}

Result<void> exchange(MariadbTables& server, const DatabaseSwitch& plan, const io::Path& state) {
    TRY(server.run(short_patience));
    const auto exchanged = put_aside(server, plan);
    if (exchanged.ok() || !server.is_open())
        return exchanged;
    TRY(take_back(server, plan, state));
    auto error = exchanged.error();
    error.why += "; all is as it was";
    return error;
}

} // namespace

Result<DatabaseSwitch> DatabaseSwitch::named(MariadbTables& server, const std::string& live,
                                             Moment moment) {
    auto time = to_rfc3339(moment, true);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    for (int i = 1;; ++i) {
        const auto end = i == 1 ? time : fmt::format("{}_{}", time, i);
        const auto with = [&](const std::string& middle) {
            return beginning(live, longest_name - middle.size() - end.size()) + middle + end;
        };
        DatabaseSwitch names{ live, with("__new_"), with("__old_") };
        if (!TRY(has_database(server, names.incoming)) && !TRY(has_database(server, names.aside)))
            return names;
    }
}

Value DatabaseSwitch::value(std::string_view step) const {
    return Value::Map{ { "kind", "mariadb" },
                       { "step", step },
                       { "live", live },
                       { "incoming", incoming },
                       { "aside", aside } };
}

Result<DatabaseSwitch> DatabaseSwitch::from(const Value& record) {
    DatabaseSwitch found{ record.text_at("live"), record.text_at("incoming"), record.text_at("aside") };
    if (!found.live.empty() && !found.incoming.empty() && !found.aside.empty() &&
        found.incoming != found.live && found.aside != found.live && found.aside != found.incoming)
        return found;
    return Error{ .kind = Kind::corrupt, .why = "the record of the restore under way makes no sense" };
}

Result<bool> has_database(MariadbTables& server, const std::string& name) {
    return TRY(server.value(
                   fmt::format("select 1 from information_schema.schemata where schema_name = {}",
                               MariadbTables::literal(name))))
        .has_value();
}

Result<void> drop_database(MariadbTables& server, const std::string& name) {
    return server.run("drop database if exists " + MariadbTables::quoted(name));
}

Result<void> must_be_unused(MariadbTables& server, const std::string& live,
                            const std::vector<std::string>& own_users) {
    std::vector<std::string> own, others;
    for (const auto& user : own_users)
        own.push_back(MariadbTables::literal(user));
    for (const auto& row : TRY(server.rows(
             fmt::format("select concat(user, '@', substring_index(host, ':', 1)), count(*) from "
                         "information_schema.processlist where db = {} and user not in ({}) group by 1 "
                         "order by 1",
                         MariadbTables::literal(live), join(own, ", ")))))
        others.push_back(fmt::format("{} ({})", printable(row[0].value_or("")), row[1].value_or("")));
    if (others.empty())
        return {};
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("others are connected to the database {}: {}", printable(live),
                                     join(others, ", ")),
                  .fix = "stop the game's services, then run the same command again" };
}

Result<void> begin_switch(const io::Path& state, const DatabaseSwitch& plan,
                          const ServerSchema& schema) {
    TRY(io::replace_durably(schema_path(state), encode(schema.value())));
    return save_record(state, plan.value("switching"));
}

Result<void> complete_switch(MariadbTables& server, const DatabaseSwitch& plan,
                             const std::vector<std::string>& own_users, const io::Path& state,
                             Notes& notes) {
    const auto schema =
        TRY(ServerSchema::from(TRY(decode(TRY(io::read_file(schema_path(state), 256 << 20))))));
    const bool waits = !TRY(tables_in(server, plan.incoming)).empty(); // else they have changed places
    if (waits)
        TRY(must_be_unused(server, plan.live, own_users));
    TRY(server.run(fmt::format("create database if not exists {} character set {} collate {}",
                               MariadbTables::quoted(plan.live), schema.charset, schema.collation)));
    TRY(server.run("create database if not exists " + MariadbTables::quoted(plan.aside)));
    TRY(use(server, plan.live));
    if (waits)
        TRY(exchange(server, plan, state));
    TRY(server.run(fmt::format("alter database {} character set {} collate {}",
                               MariadbTables::quoted(plan.live), schema.charset, schema.collation)));
    TRY(make_objects(server, schema, notes));
    TRY(drop_database(server, plan.incoming));
    TRY(clear_record(state));
    return io::remove_durably(schema_path(state));
}

} // namespace respawn::component
