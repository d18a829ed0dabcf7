// The mariadb driver: MariaDB, and MySQL where it is the same.
#include "database/mariadb.h"

#include "database/mariadb_changes.h"
#include "database/mariadb_connection.h"
#include "database/mariadb_lacks.h"
#include "database/mariadb_rules.h"
#include "database/mariadb_tables.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

const ServerKind server_kind = { "MariaDB", { "mysql", "mariadb" }, 3306 };

// Keys and targets are compared by their bytes, whatever the game's collation is.
const MarkerTables marker_tables = {
    { "create table if not exists respawn_markers (number bigint not null primary key, "
      "run varchar(64) not null, step bigint not null, target blob not null, token bigint not null, "
      "why mediumtext not null, at varchar(40) not null, result longblob, unique (run, step)) "
      "engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin",
      "create table if not exists respawn_business_keys (business_key varbinary(1000) not null primary "
      "key, marker bigint not null) engine=InnoDB",
      "create table if not exists respawn_fence (target varbinary(1000) not null primary key, "
      "token bigint not null) engine=InnoDB",
      "create table if not exists respawn_incarnation (one tinyint not null primary key, "
      "id varchar(64) not null) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin" },
    "insert ignore into respawn_incarnation values (1, ?)"
};

// ---- dumps ----

std::string option_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            quoted += '\\';
        quoted += c == '\n' ? "\\n" : std::string(1, c);
    }
    return quoted + "\"";
}

// What the client program reads; the password stands in no other place.
std::string client_options(const Login& login) {
    std::string text = "[client]\nuser=" + option_text(login.user) +
                       "\npassword=" + option_text(login.password.reveal()) + "\n";
    text += login.host.empty()
                ? "protocol=socket\nsocket=" + option_text(login.socket) + "\n"
                : fmt::format("protocol=tcp\nhost={}\nport={}\n", option_text(login.host), login.port);
    if (login.tls == Tls::off)
        return text + "loose-skip-ssl\n";
    text += "loose-ssl\n";
    if (login.tls == Tls::verify)
        text += "loose-ssl-verify-server-cert\nssl-ca=" +
                option_text(login.certificates.empty() ? "/etc/ssl/certs/ca-certificates.crt"
                                                       : login.certificates.string()) +
                "\n";
    return text;
}

io::Program dump_program(const Login& login, const std::vector<std::string>& tables) {
    io::Program program{ .name = "mariadb-dump",
                         .arguments = { "--defaults-file=" + std::string(io::hidden_file),
                                        "--single-transaction", "--quick", "--hex-blob",
                                        "--default-character-set=utf8mb4", "--no-tablespaces",
                                        "--skip-dump-date", "--max-allowed-packet=1G", "--triggers" },
                         .environment = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8" },
                         .hidden = client_options(login) };
    if (tables.empty())
        program.arguments.insert(program.arguments.end(), { "--routines", "--events" });
    program.arguments.insert(program.arguments.end(), { "--", login.database });
    program.arguments.insert(program.arguments.end(), tables.begin(), tables.end());
    return program;
}

class MariadbEngine final : public ServerEngine {
  public:
    Result<std::unique_ptr<ServerSession>> connect(const Login& login, Access access,
                                                   const Patience& patience) override {
        return std::unique_ptr<ServerSession>(TRY(MariadbConnection::open(login, access, patience)));
    }
    const ReadingRules& reading_rules() const override { return mariadb_reading_rules(); }
    const MarkerTables& marker_tables() const override { return database::marker_tables; }
    Result<void> begin(ServerSession& session) override { return session.run("start transaction"); }
    Result<void> begin_our_turn(ServerSession& session) override {
        TRY(begin(session));
        return session.run("select id from respawn_incarnation for update");
    }
    std::unique_ptr<ServerChanges> changes(ServerSession& session, Moment moment, History*) override {
        return std::make_unique<MariadbChanges>(static_cast<MariadbConnection&>(session), moment);
    }
    io::Program dump_program(const Login& login, const std::vector<std::string>& tables) override {
        return database::dump_program(login, tables);
    }
    std::string_view dump_package() const override { return "mariadb-client"; }
    Result<std::vector<Lack>> writer_lacks(ServerSession& session, const Login& login) override {
        return find_writer_lacks(session, login);
    }
    Result<std::vector<Lack>> reader_lacks(ServerSession& session, const Login& login) override {
        return find_reader_lacks(session, login);
    }
};

} // namespace

Result<Login> mariadb_login(const config::ComponentSettings& settings) {
    return writing_login(settings, server_kind);
}

Result<Login> mariadb_scratch_login(const config::ComponentSettings& settings) {
    return scratch_login(settings, server_kind);
}

config::ComponentSettings mariadb_copy_settings(const config::ComponentSettings& scratch,
                                                std::string_view database) {
    auto settings = scratch;
    auto place = settings.url.substr(0, settings.url.find('?'));
    const auto options = settings.url.substr(place.size());
    settings.url = fmt::format("{}{}{}{}", place, place.ends_with('/') ? "" : "/", database, options);
    return settings;
}

std::unique_ptr<Database> open_mariadb_copy(const Login& login) {
    return make_server_database(std::make_unique<MariadbEngine>(), login, login);
}

std::vector<Login> mariadb_logins(const config::ComponentSettings& settings) {
    std::vector<Login> logins;
    if (auto writer = writing_login(settings, server_kind); writer.ok())
        logins.push_back(std::move(writer).value());
    if (auto reader = reading_login(settings, server_kind); reader.ok() && reader.value())
        logins.push_back(*std::move(reader).value());
    return logins;
}

Result<std::unique_ptr<Database>> open_mariadb(const config::ComponentSettings& settings) {
    auto writer = TRY(writing_login(settings, server_kind));
    auto reader = TRY(reading_login(settings, server_kind));
    return make_server_database(std::make_unique<MariadbEngine>(), std::move(writer),
                                std::move(reader));
}

} // namespace respawn::database
