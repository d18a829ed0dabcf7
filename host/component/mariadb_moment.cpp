#include "component/mariadb_moment.h"

#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr int most_tries = 50; // of a server that commits all the time
// Whoever waits for a lock of ours holds up everybody behind it.
constexpr auto short_wait = "set session lock_wait_timeout = 2";

Result<void> begin(MariadbTables& server) {
    TRY(server.run("set session transaction isolation level repeatable read"));
    return server.run("start transaction with consistent snapshot");
}

// Where the connection's snapshot is in the binary log; null where the log is off or it is not told.
Result<Value> snapshot_position(MariadbTables& server) {
    Value::Map position;
    for (const auto& row : TRY(server.rows("show status like 'binlog_snapshot_%'"))) {
        if (row[0] == "Binlog_snapshot_file")
            position["file"] = row[1].value_or("");
        else if (row[0] == "Binlog_snapshot_position")
            position["position"] = row[1].value_or("");
    }
    const auto file = Value(position).text_at("file");
    return file.empty() || file == "none" ? Value() : Value(std::move(position));
}

Result<bool> begin_together(ServerMoment& moment) {
    for (auto& connection : moment.connections)
        TRY(begin(*connection));
    moment.position = TRY(snapshot_position(*moment.connections[0]));
    if (moment.position.is_null())
        return false;
    for (auto& connection : moment.connections)
        if (!(TRY(snapshot_position(*connection)) == moment.position))
            return false;
    return true;
}

Result<void> hold_commits(MariadbTables& server) {
    TRY(server.run(short_wait));
    if (!server.is_mariadb())
        return server.run("flush tables with read lock");
    TRY(server.run("backup stage start"));
    return server.run("backup stage block_commit");
}

Result<void> let_commit(MariadbTables& server) {
    return server.run(server.is_mariadb() ? "backup stage end" : "unlock tables");
}

Result<void> begin_under_lock(ServerMoment& moment, const database::Login& login,
                              const Cancellation& cancel) {
    // Its end lets everybody go on, whatever becomes of this.
    const auto locking = TRY(MariadbTables::open(login, cancel));
    const auto since = now();
    TRY(hold_commits(*locking));
    for (auto& connection : moment.connections)
        TRY(begin(*connection));
    TRY(let_commit(*locking));
    moment.locked = now() - since;
    return {};
}

} // namespace

Result<ServerMoment> open_still(const database::Login& login, std::size_t connections,
                                const Cancellation& cancel) {
    ServerMoment moment;
    for (std::size_t i = 0; i < connections; ++i)
        moment.connections.push_back(TRY(MariadbTables::open(login, cancel)));
    return moment;
}

Result<ServerMoment> open_moment(const database::Login& login, std::size_t connections,
                                 const Cancellation& cancel) {
    auto moment = TRY(open_still(login, connections, cancel));
    for (int tries = 0; tries < most_tries; ++tries) {
        if (TRY(begin_together(moment)))
            return moment;
        if (moment.position.is_null())
            break;
    }
    const auto locked = begin_under_lock(moment, login, cancel);
    if (locked.ok())
        return moment;
    if (locked.error().kind == Kind::cancelled)
        return locked.error();
    moment.notes.push_back(fmt::format(
        "one connection read alone: {}; with the binary log on no lock is needed", locked.error().why));
    moment.connections.resize(1);
    TRY(begin(*moment.connections[0]));
    return moment;
}

Result<std::string> gtid_at(MariadbTables& server, const Value& position) {
    if (position.is_null() || !server.is_mariadb())
        return std::string();
    const auto gtid = TRY(server.value(fmt::format("select binlog_gtid_pos({}, {})",
                                                   MariadbTables::literal(position.text_at("file")),
                                                   position.text_at("position"))));
    return gtid.value_or("");
}

} // namespace respawn::component
