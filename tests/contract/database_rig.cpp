#include "contract/database_rig.h"

#include "base/id.h"
#include "database/mariadb_connection.h"
#include "database/postgres_connection.h"
#include "database/server_login.h"

#include <cstdlib>
#include <fmt/format.h>

namespace respawn::testing {

namespace {

const std::string rows = R"(
insert into players (id, name, galleons) values (1, 'ada', 100), (2, 'lin', 20), (3, 'mo', 7);
insert into duels values (7, 1, 'active'), (8, 2, 'active'), (9, 3, 'ended');
)";

// ---- sqlite ----

void sqlite_script(const config::ComponentSettings& settings, const std::string& sql) {
    auto connection = SqliteConnection::open(settings.path, SqliteConnection::Access::create).value();
    const auto done = connection.run_script(sql);
    INFO(sql << (done.ok() ? "" : done.error().why));
    REQUIRE(done.ok());
}

Rig sqlite_rig() {
    return { .kind = "sqlite",
             .settings =
                 [](const io::Path& folder) {
                     return config::ComponentSettings{ .name = "game",
                                                       .kind = "sqlite",
                                                       .path = folder / "game.db" };
                 },
             .game = sqlite_script,
             .session =
                 [](const config::ComponentSettings& settings) {
                     return std::make_unique<SqliteConnection>(
                         SqliteConnection::open(settings.path, SqliteConnection::Access::read_write)
                             .value());
                 },
             .drop = [](const config::ComponentSettings&) {},
             .schema = R"(
create table players (id integer primary key, name text not null unique, galleons integer not null default 0 check (galleons >= 0),
  seen_at text, seen_number integer, luck real, avatar blob);
create table duels (id integer primary key, player integer not null references players (id) on delete cascade, status text not null);
create table audit (player integer, before integer, after integer);
create trigger watched after update of galleons on players when old.galleons <> new.galleons
  begin insert into audit values (old.id, old.galleons, new.galleons); end;
)" + rows };
}

// ---- servers ----

std::string new_name() {
    auto name = "t_" + make_ulid(now());
    for (auto& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
}

void run_client(const std::string& command, const std::string& sql) {
    const auto folder = io::TemporaryFolder::make().value();
    REQUIRE(io::replace_durably(folder.path() / "script.sql", sql).ok());
    const auto line = fmt::format("{} < {} 2> {}", command, (folder.path() / "script.sql").string(),
                                  (folder.path() / "faults").string());
    const bool done = std::system(line.c_str()) == 0;
    INFO(sql << io::read_file(folder.path() / "faults").value());
    REQUIRE(done);
}

std::string database_of(const config::ComponentSettings& settings) {
    return settings.url.substr(settings.url.rfind('/') + 1);
}

// ---- mariadb ----

void mariadb_script(const config::ComponentSettings& settings, const std::string& sql) {
    run_client(
        fmt::format("mariadb --no-defaults --default-character-set=utf8mb4 --protocol=tcp --skip-ssl "
                    "--host=127.0.0.1 --port={} "
                    "--user=root --password={} {} > /dev/null",
                    settings.url.substr(settings.url.rfind(':') + 1,
                                        settings.url.rfind('/') - settings.url.rfind(':') - 1),
                    std::string(settings.password.reveal()), database_of(settings)),
        sql);
}

config::ComponentSettings mariadb_settings(const Variables& server, const std::string& name) {
    return { .name = "game",
             .kind = "mariadb",
             .url = fmt::format("mysql://root@127.0.0.1:{}/{}", server.at("PORT"), name),
             .password = Secret("test", server.at("PASSWORD")) };
}

config::ComponentSettings new_mariadb(const io::Path&) {
    const auto name = new_name();
    auto outside = mariadb_settings(shared_server("mariadb"), "mysql");
    mariadb_script(outside, "create database " + name + " character set utf8mb4");
    return mariadb_settings(shared_server("mariadb"), name);
}

Rig mariadb_rig() {
    return { .kind = "mariadb",
             .settings = new_mariadb,
             .game = mariadb_script,
             .session =
                 [](const config::ComponentSettings& settings) {
                     const auto login =
                         database::writing_login(settings, { "MariaDB", { "mysql" }, 3306 }).value();
                     return database::MariadbConnection::open(login, database::Access::read_write, {})
                         .value();
                 },
             .drop =
                 [](const config::ComponentSettings& settings) {
                     mariadb_script(settings, "drop database " + database_of(settings));
                 },
             .schema = R"(
create table players (id bigint primary key auto_increment, name varchar(100) not null unique, galleons bigint not null default 0 check (galleons >= 0),
  seen_at varchar(40), seen_number bigint, luck double, avatar blob);
create table duels (id bigint primary key auto_increment, player bigint not null, status varchar(40) not null,
  foreign key (player) references players (id) on delete cascade);
create table audit (player bigint, `before` bigint, `after` bigint);
delimiter //
create trigger watched after update on players for each row begin
  if old.galleons <> new.galleons then insert into audit values (old.id, old.galleons, new.galleons); end if;
end //
delimiter ;
)" + rows };
}

// ---- postgres ----

void postgres_script(const config::ComponentSettings& settings, const std::string& sql) {
    run_client(fmt::format(
                   "PGPASSWORD={} psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p {} -U postgres -d {} > "
                   "/dev/null",
                   std::string(settings.password.reveal()),
                   settings.url.substr(settings.url.rfind(':') + 1,
                                       settings.url.rfind('/') - settings.url.rfind(':') - 1),
                   database_of(settings)),
               sql);
}

config::ComponentSettings postgres_settings(const Variables& server, const std::string& name) {
    return { .name = "game",
             .kind = "postgres",
             .url = fmt::format("postgresql://postgres@127.0.0.1:{}/{}", server.at("PORT"), name),
             .password = Secret("test", server.at("PASSWORD")) };
}

config::ComponentSettings new_postgres(const io::Path&) {
    const auto name = new_name();
    postgres_script(postgres_settings(shared_server("postgres"), "postgres"),
                    "create database " + name);
    return postgres_settings(shared_server("postgres"), name);
}

Rig postgres_rig() {
    return {
        .kind = "postgres",
        .settings = new_postgres,
        .game = postgres_script,
        .session =
            [](const config::ComponentSettings& settings) {
                const auto login =
                    database::writing_login(settings, { "PostgreSQL", { "postgresql" }, 5432 }).value();
                return database::PostgresConnection::open(login, database::Access::read_write, {})
                    .value();
            },
        .drop =
            [](const config::ComponentSettings& settings) {
                postgres_script(postgres_settings(shared_server("postgres"), "postgres"),
                                "drop database " + database_of(settings) + " with (force)");
            },
        .schema = R"(
create table players (id bigserial primary key, name text not null unique, galleons bigint not null default 0 check (galleons >= 0),
  seen_at text, seen_number bigint, luck double precision, avatar bytea);
create table duels (id bigserial primary key, player bigint not null references players (id) on delete cascade, status text not null);
create table audit (player bigint, before bigint, after bigint);
create function watch() returns trigger language plpgsql as $$ begin
  insert into audit values (old.id, old.galleons, new.galleons); return new; end $$;
create trigger watched after update of galleons on players for each row when (old.galleons <> new.galleons) execute function watch();
)" + rows + R"(
select setval('players_id_seq', 3); select setval('duels_id_seq', 9);
)"
    };
}

} // namespace

std::vector<Rig> server_rigs() { return { mariadb_rig(), postgres_rig() }; }

std::vector<Rig> database_rigs() {
    auto rigs = server_rigs();
    rigs.insert(rigs.begin(), sqlite_rig());
    return rigs;
}

const Rig& rig_of(std::string_view kind) {
    static const auto rigs = database_rigs();
    return *std::find_if(rigs.begin(), rigs.end(), [&](const Rig& rig) { return rig.kind == kind; });
}

std::string whole(io::Source& source) { return got(io::read_all(source)); }

Scene::Scene(const Rig& rig) : Scene(rig, {}) {}

Scene::Scene(const Rig& rig, config::ComponentSettings known)
    : rig_(rig), settings(known.kind.empty() ? rig.settings(folder.path()) : std::move(known)) {
    rig_.game(settings, rig_.schema);
    database = got(database::open_database(settings));
}

Scene::~Scene() {
    database.reset();
    rig_.drop(settings);
}

Value Scene::one(std::string_view sql) const {
    INFO(sql);
    const auto found = got(database->query(sql, {}));
    return found.rows.empty() ? Value() : found.rows.at(0).at(0);
}

std::string Scene::text(std::string_view sql) const {
    std::string all;
    for (const auto& row : got(database->query(sql, {})).rows) {
        all += all.empty() ? "" : ",";
        for (std::size_t i = 0; i < row.size(); ++i)
            all += (i == 0 ? "" : " ") + (row[i].text() ? *row[i].text() : to_text(row[i]));
    }
    return all;
}

Result<database::Written> Scene::write(const std::vector<Change>& changes, std::int64_t step,
                                       std::int64_t token, const std::string& target,
                                       const std::string& run) const {
    return database->write({ .changes = changes, .why = "a test" }, { run, step, target, token }, {});
}

std::string Scene::all() const {
    if (rig_.kind == "sqlite")
        return whole(*got(database->dump({})));
    return text("select * from players order by 1") + "|" + text("select * from duels order by 1") +
           "|" + text("select * from audit order by 1, 2, 3");
}

std::string Scene::in(const std::string& sqlite, const std::string& mariadb,
                      const std::string& postgres) const {
    return rig_.kind == "sqlite" ? sqlite : rig_.kind == "mariadb" ? mariadb : postgres;
}

Change update(std::string table, Value::Map key, Value::Map set) {
    return { .kind = ChangeKind::update,
             .table = std::move(table),
             .key = std::move(key),
             .set = std::move(set),
             .add = {},
             .expect = {},
             .business_key = {} };
}
Change insert(std::string table, Value::Map set) {
    return { .kind = ChangeKind::insert,
             .table = std::move(table),
             .key = {},
             .set = std::move(set),
             .add = {},
             .expect = {},
             .business_key = {} };
}
Change removal(std::string table, Value::Map key) {
    return { .kind = ChangeKind::remove,
             .table = std::move(table),
             .key = std::move(key),
             .set = {},
             .add = {},
             .expect = {},
             .business_key = {} };
}
Change paid(std::int64_t player, std::int64_t amount, std::string business_key) {
    auto change = update("players", { { "id", player } }, {});
    change.add = { { "galleons", amount } };
    change.business_key = std::move(business_key);
    return change;
}
const RowChange* row_of(const database::Written& written, std::string_view table) {
    for (const auto& row : written.rows)
        if (row.table == table)
            return &row;
    return nullptr;
}

} // namespace respawn::testing
