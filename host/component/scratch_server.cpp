#include "component/scratch_server.h"

#include "base/text.h"
#include "component/mariadb_load.h"
#include "component/mariadb_switch.h"
#include "component/scratch_objects.h"
#include "database/mariadb.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace respawn::component {

using database::Lack;
using database::Login;
using database::MariadbTables;

namespace {

constexpr auto granting = "GRANT ALL PRIVILEGES ON `respawn\\_scratch\\_%`.* TO it";

// ---- the login ----

struct LoginRights {
    std::set<std::string> beyond; // "SELECT on game": what reaches more than copies
    std::set<std::string> here;   // in copies
};

// As a pattern of GRANT, in which '_' is any character unless it stands behind a '\'.
bool is_of_copies(std::string pattern) {
    std::erase(pattern, '\\');
    return pattern.starts_with(scratch_prefix);
}

Result<LoginRights> rights_of(MariadbTables& server) {
    constexpr std::string_view harmless[] = { "USAGE", "PROCESS", "SHOW DATABASES" };
    LoginRights rights;
    for (const auto& row : TRY(server.rows("select distinct privilege_type from "
                                           "information_schema.user_privileges")))
        if (std::ranges::find(harmless, row[0].value_or("")) == std::end(harmless))
            rights.beyond.insert(row[0].value_or("") + " on *.*");
    for (const auto* level : { "schema_privileges", "table_privileges", "column_privileges" })
        for (const auto& row : TRY(server.rows(fmt::format(
                 "select distinct table_schema, privilege_type from information_schema.{}", level)))) {
            const auto schema = row[0].value_or(""), right = row[1].value_or("");
            if (is_of_copies(schema))
                rights.here.insert(right);
            else
                rights.beyond.insert(fmt::format("{} on {}", right, schema));
        }
    return rights;
}

// Rights on single routines stand in no table: a definer's routine could do anything.
Result<void> add_routines(MariadbTables& server, LoginRights& rights) {
    for (const auto& row : TRY(server.rows("show grants"))) {
        const auto grant = row[0].value_or("");
        for (const std::string_view kind :
             { " ON PROCEDURE `", " ON FUNCTION `", " ON PACKAGE `", " ON PACKAGE BODY `" })
            if (const auto at = grant.find(kind); at != grant.npos && grant.starts_with("GRANT ") &&
                                                  !is_of_copies(grant.substr(at + kind.size())))
                rights.beyond.insert(grant.substr(6, grant.find(" TO ") - 6));
        if (grant.starts_with("GRANT PROXY "))
            rights.beyond.insert("PROXY");
    }
    return {};
}

Result<void> find_login_lacks(MariadbTables& server, std::vector<Lack>& lacks) {
    constexpr std::string_view needed[] = { "SELECT",    "INSERT",  "CREATE",         "DROP",
                                            "ALTER",     "INDEX",   "REFERENCES",     "CREATE VIEW",
                                            "SHOW VIEW", "EXECUTE", "CREATE ROUTINE", "ALTER ROUTINE" };
    auto rights = TRY(rights_of(server));
    TRY(add_routines(server, rights));
    if (!rights.beyond.empty()) {
        const auto count = std::min<std::size_t>(rights.beyond.size(), 4);
        const std::vector<std::string> some(rights.beyond.begin(),
                                            std::next(rights.beyond.begin(), std::ptrdiff_t(count)));
        lacks.push_back({ fmt::format("the scratch login {} could reach more than copies: {}{}",
                                      server.login().text(), printable(join(some, ", ")),
                                      count < rights.beyond.size() ? " …" : ""),
                          fmt::format("give it a login of its own, and that only {}", granting) });
    }
    std::vector<std::string> missing;
    for (const auto right : needed)
        if (rights.beyond.empty() && !rights.here.contains(std::string(right)))
            missing.emplace_back(right);
    if (!missing.empty())
        lacks.push_back({ fmt::format("the scratch login {} may not {} in databases called {}…",
                                      server.login().text(), join(missing, ", "), scratch_prefix),
                          granting });
    return {};
}

// ---- the server ----

// As far as addresses tell: a name of this machine's from outside is another one.
Result<bool> is_same_server(MariadbTables& scratch, const Login& live) {
    const auto& login = scratch.login();
    const bool here = is_on_this_machine(login);
    if (here != is_on_this_machine(live))
        return false;
    if (!login.host.empty() && !live.host.empty())
        return login.port == live.port && (here || login.host == live.host);
    if (login.host.empty() && live.host.empty())
        return std::filesystem::weakly_canonical(login.socket) ==
               std::filesystem::weakly_canonical(live.socket);
    const auto told = TRY(scratch.rows("select @@port, @@socket"));
    if (told.empty() || told[0].size() != 2)
        return true;
    return live.host.empty() ? told[0][1] == live.socket : told[0][0] == std::to_string(live.port);
}

Result<void> find_server_lacks(MariadbTables& server, const config::ScratchServer& scratch,
                               const Login& live, std::vector<Lack>& lacks) {
    if (live.database.starts_with(scratch_prefix))
        lacks.push_back({ fmt::format("the live database is called {}: as copies are", live.database),
                          "call it otherwise" });
    if (!scratch.most_bytes && TRY(is_same_server(server, live)))
        lacks.push_back({ fmt::format("copies of {} go to its own server without a limit: a large one "
                                      "could fill the live server's disk",
                                      scratch.server.name),
                          fmt::format("write scratch: {{ {}: {{ url: …, most: 20 GiB }} }}, or name "
                                      "another server",
                                      scratch.server.name) });
    return {};
}

Result<std::vector<Lack>> lacks_at(MariadbTables& server, const config::ScratchServer& scratch,
                                   const config::ComponentSettings& live) {
    std::vector<Lack> lacks;
    TRY(find_login_lacks(server, lacks));
    TRY(find_server_lacks(server, scratch, TRY(database::mariadb_login(live)), lacks));
    return lacks;
}

// ---- a copy ----

class ServerCopy final : public ScratchCopy {
  public:
    ServerCopy(config::ComponentSettings settings, std::unique_ptr<ScratchDatabase> place,
               RestoreReport report)
        : settings_(std::move(settings)), place_(std::move(place)),
          reading_(database::open_mariadb_copy(place_->login())), report_(std::move(report)) {}
    const RestoreReport& report() const override { return report_; }
    config::ComponentSettings settings() const override { return settings_; }
    Result<database::Rows> query(const std::string& sql) override { return reading_->query(sql, {}); }

  private:
    config::ComponentSettings settings_;
    std::unique_ptr<ScratchDatabase> place_; // ends last: who reads holds locks
    std::unique_ptr<database::Database> reading_;
    RestoreReport report_;
};

Result<void> must_stay_here(const MariadbTree& tree) {
    for (const auto& name : tree.tables()) {
        const auto table = TRY(tree.table(name));
        if (!table.definition.keeps_rows())
            return Error{ .kind = Kind::unsupported,
                          .why = fmt::format("the table {} ({}) has its rows elsewhere: a copy would "
                                             "reach there",
                                             printable(name), table.definition.engine) };
    }
    return {};
}

Result<void> must_fit(const config::ScratchServer& scratch, const vault::ComponentRecord& record) {
    if (!scratch.most_bytes || record.size_bytes <= *scratch.most_bytes)
        return {};
    return Error{ .kind = Kind::no_space,
                  .why = fmt::format("the backup has {}, and the scratch server is to have {} at most",
                                     human_size(record.size_bytes), human_size(*scratch.most_bytes)),
                  .fix = fmt::format("raise scratch: {}: most, or name another server",
                                     scratch.server.name) };
}

// Functions are made as their definer's, which is the login already; and are to be the asker's.
Result<void> make_harmless(MariadbTables& server, const ServerSchema& schema, Notes& notes) {
    TRY(make_objects(server, schema, notes));
    for (const auto& row :
         TRY(server.rows("select routine_name from information_schema.routines where routine_schema = "
                         "database() and routine_type = 'FUNCTION'")))
        TRY(server.run(fmt::format("alter function {} sql security invoker",
                                   MariadbTables::quoted(row[0].value_or("")))));
    return {};
}

} // namespace

Result<std::vector<Lack>> find_scratch_lacks(const config::ScratchServer& scratch,
                                             const config::ComponentSettings& live) {
    const Cancellation never;
    const auto server =
        TRY(MariadbTables::open(TRY(database::mariadb_scratch_login(scratch.server)), never));
    return lacks_at(*server, scratch, live);
}

Result<std::unique_ptr<ScratchDatabase>> take_scratch_database(const ScratchPlace& place,
                                                               Notes& notes) {
    const auto login = TRY(database::mariadb_scratch_login(place.server->server));
    auto taken = TRY(ScratchDatabase::open(login, place.id));
    const auto lacks = TRY(lacks_at(taken->keeper(), *place.server, *place.live));
    if (!lacks.empty())
        return Error{ .kind = Kind::denied,
                      .why = lacks.front().why,
                      .fix = lacks.front().fix + " (docs/verifying.md)" };
    TRY(taken->drop_left(notes));
    TRY(taken->take_name());
    return taken;
}

Result<std::unique_ptr<ScratchCopy>> copy_to_server(vault::Vault& from,
                                                    const vault::ComponentRecord& record,
                                                    const ScratchPlace& place, const Work& work) {
    const auto begun = now();
    Notes notes;
    const auto tree = TRY(MariadbTree::open(from, record));
    TRY(must_stay_here(tree));
    TRY(must_fit(*place.server, record));
    auto taken = TRY(take_scratch_database(place, notes));
    const auto login = taken->login();
    RestoreReport report{ .size_bytes = record.size_bytes, .files = record.files };
    report.checked = TRY(load_tables({ from, tree, login, taken->name(), work, true }, notes));
    const auto server = TRY(MariadbTables::open(login, work.cancel));
    const std::vector<std::string> live = { tree.schema().database,
                                            TRY(database::mariadb_login(*place.live)).database };
    TRY(make_harmless(*server, harmless_objects(tree.schema(), live, notes), notes));
    report.notes = notes.lines();
    report.duration = (now() - begun).count();
    auto settings = database::mariadb_copy_settings(place.server->server, taken->name());
    return std::unique_ptr<ScratchCopy>(
        std::make_unique<ServerCopy>(std::move(settings), std::move(taken), std::move(report)));
}

} // namespace respawn::component
