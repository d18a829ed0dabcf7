// The postgres driver.
#include "database/postgres.h"

#include "database/postgres_changes.h"
#include "database/postgres_connection.h"
#include "database/postgres_lacks.h"
#include "database/postgres_rules.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

const ServerKind server_kind = { "PostgreSQL", { "postgresql", "postgres" }, 5432 };

// Targets are compared by their bytes, whatever the database's collation is.
const MarkerTables marker_tables = {
    { "create table if not exists respawn_markers (number bigint primary key, run text not null, step "
      "bigint not null, target text not null, token bigint not null, why text not null, at text not "
      "null, "
      "result bytea, unique (run, step))",
      "create table if not exists respawn_business_keys (business_key text collate \"C\" primary key, "
      "marker bigint not null)",
      "create table if not exists respawn_fence (target text collate \"C\" primary key, token bigint "
      "not "
      "null)",
      "create table if not exists respawn_incarnation (one boolean primary key, id text not null)" },
    "insert into respawn_incarnation values (true, ?) on conflict do nothing"
};

// ---- dumps ----

// One line of a password file: what is special in it is escaped.
std::string password_line(const Login& login) {
    std::string password;
    for (const char c : login.password.reveal()) {
        if (c == ':' || c == '\\')
            password += '\\';
        password += c;
    }
    return "*:*:*:*:" + password + "\n";
}

io::Program dump_program(const Login& login, const std::vector<std::string>& tables) {
    const auto certificates = login.certificates.empty()
                                  ? std::string("/etc/ssl/certs/ca-certificates.crt")
                                  : login.certificates.string();
    const bool verify = login.tls == Tls::verify;
    io::Program program{ .name = "pg_dump",
                         .arguments = { "--no-password", "--encoding=UTF8",
                                        "--host=" + (login.host.empty() ? login.socket : login.host),
                                        fmt::format("--port={}", login.port),
                                        "--username=" + login.user },
                         .environment = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
                                          "HOME=/nowhere", "PGPASSFILE=" + std::string(io::hidden_file),
                                          std::string("PGSSLMODE=") + (login.tls == Tls::off ? "disable"
                                                                       : verify ? "verify-full"
                                                                                : "require"),
                                          "PGSSLROOTCERT=" + (verify ? certificates : "/nowhere"),
                                          "PGGSSENCMODE=disable" },
                         .hidden = password_line(login) };
    for (const auto& table : tables) {
        std::string quoted; // its own schema's: "name" with every '"' doubled
        for (const char c : table)
            quoted += c == '"' ? "\"\"" : std::string(1, c);
        program.arguments.push_back("--table=\"" + quoted + "\"");
    }
    program.arguments.push_back("--dbname=" + login.database);
    return program;
}

class PostgresEngine final : public ServerEngine {
  public:
    Result<std::unique_ptr<ServerSession>> connect(const Login& login, Access access,
                                                   const Patience& patience) override {
        return std::unique_ptr<ServerSession>(TRY(PostgresConnection::open(login, access, patience)));
    }
    const ReadingRules& reading_rules() const override { return postgres_reading_rules(); }
    const MarkerTables& marker_tables() const override { return database::marker_tables; }
    Result<void> begin(ServerSession& session) override {
        auto& connection = static_cast<PostgresConnection&>(session);
        TRY(connection.begin());
        return connection.export_snapshot();
    }
    Result<void> only_read(ServerSession& session) override {
        return session.run("set transaction read only");
    }
    // The lock before the first look: what the write before this one did is seen.
    Result<void> begin_our_turn(ServerSession& session) override {
        auto& connection = static_cast<PostgresConnection&>(session);
        TRY(connection.begin());
        TRY(connection.run("lock table respawn_incarnation in exclusive mode"));
        return connection.export_snapshot();
    }
    std::unique_ptr<ServerChanges> changes(ServerSession& session, Moment moment,
                                           History* history) override {
        return std::make_unique<PostgresChanges>(static_cast<PostgresConnection&>(session), moment,
                                                 history);
    }
    io::Program dump_program(const Login& login, const std::vector<std::string>& tables) override {
        return database::dump_program(login, tables);
    }
    std::string_view dump_package() const override { return "postgresql-client-15"; }
    Result<std::vector<Lack>> writer_lacks(ServerSession& session, const Login& login) override {
        return find_postgres_writer_lacks(session, login);
    }
    Result<std::vector<Lack>> reader_lacks(ServerSession& session, const Login& login) override {
        return find_postgres_reader_lacks(session, login);
    }
};

} // namespace

Result<std::unique_ptr<Database>> open_postgres(const config::ComponentSettings& settings) {
    auto writer = TRY(writing_login(settings, server_kind));
    auto reader = TRY(reading_login(settings, server_kind));
    return make_server_database(std::make_unique<PostgresEngine>(), std::move(writer),
                                std::move(reader));
}

Result<std::unique_ptr<ServerSession>> connect_postgres(const config::ComponentSettings& settings,
                                                        const Patience& patience) {
    return std::unique_ptr<ServerSession>(TRY(PostgresConnection::open(
        TRY(writing_login(settings, server_kind)), Access::read_write, patience)));
}

} // namespace respawn::database
