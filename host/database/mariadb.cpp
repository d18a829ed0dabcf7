// The mariadb driver: MariaDB, and MySQL where it is the same.
#include "database/mariadb.h"

#include "base/text.h"
#include "database/mariadb_changes.h"
#include "database/mariadb_connection.h"
#include "database/mariadb_lacks.h"
#include "database/mariadb_rules.h"
#include "database/markers.h"
#include "io/process.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

using Access = MariadbConnection::Access;

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

// One write of respawn's at a time, in each database.
constexpr std::string_view wait_for_our_turn = "select id from respawn_incarnation for update";

constexpr Patience live_patience;
// A dry run must not hold up the game.
constexpr Patience trial_patience = { .lock = std::chrono::seconds(1) };
constexpr Duration longest_hold = std::chrono::seconds(5);
constexpr int most_tries = 4;

Result<Rows> read(MariadbConnection& connection, std::string_view sql,
                  const std::vector<Value>& parameters) {
    TRY(must_only_read(sql, mariadb_reading_rules()));
    auto rows = collect(connection, sql, parameters);
    // 1792: the server itself found that it would write.
    if (!rows.ok() && rows.error().kind == Kind::denied && rows.error().why.ends_with("(1792)"))
        return not_reading(rows.error().why);
    return rows;
}

// ---- trials ----

// A transaction that is never committed. So that it holds no lock for long, the server ends it after a
// few idle seconds; what was tried so far is tried again when it is needed.
class MariadbTrial final : public Trial {
  public:
    explicit MariadbTrial(Login login) : login_(std::move(login)) {}

    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        TRY(must_only_read(sql, mariadb_reading_rules()));
        TRY(ready());
        return read(*connection_, sql, parameters);
    }

    Result<Written> write(const Write& write) override {
        TRY(ready());
        TRY(connection_->run("savepoint before_this"));
        auto written = apply(write);
        if (written.ok()) {
            writes_.push_back(write);
            return written;
        }
        // A deadlock has taken all back already.
        if (!connection_->is_open() || !connection_->run("rollback to savepoint before_this").ok())
            connection_.reset();
        return written;
    }

    std::uint64_t copied_bytes() const override { return 0; }

  private:
    Result<Written> apply(const Write& write) {
        TRY(check_business_keys(*connection_, write));
        return MariadbChanges(*connection_, now()).apply(write);
    }

    Result<void> ready() {
        if (connection_ && connection_->is_open() && now() - begun_ < longest_hold &&
            connection_->run("select 1").ok())
            return {};
        connection_.reset();
        connection_ = TRY(MariadbConnection::open(login_, Access::read_write, trial_patience));
        if (connection_->is_mariadb())
            TRY(connection_->run(fmt::format("set session idle_transaction_timeout = {}",
                                             std::chrono::ceil<std::chrono::seconds>(longest_hold).count())));
        TRY(connection_->run("start transaction"));
        begun_ = now();
        for (const auto& write : writes_)
            TRY(apply(write));
        return {};
    }

    Login login_;
    std::unique_ptr<MariadbConnection> connection_;
    Moment begun_;
    std::vector<Write> writes_;
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

// ---- the database ----

class Mariadb final : public Database {
  public:
    Mariadb(Login writer, Login reader, bool reads_apart)
        : writer_(std::move(writer)), reader_(std::move(reader)), reads_apart_(reads_apart) {}

    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        TRY(must_only_read(sql, mariadb_reading_rules()));
        return read(*TRY(connected(reading_, reader_, Access::read_only)), sql, parameters);
    }

    Result<Written> write(const Write& write, const Marker& marker, const Approval& approve) override {
        const auto give_up = now() + live_patience.lock;
        for (int tries = 1;; ++tries) {
            auto* connection = TRY(connected(writing_, writer_, Access::read_write));
            bool approved = false;
            bool again = false;
            auto written = try_write(*connection, write, marker, approve, approved, again);
            if (written.ok() || approved || !again || tries == most_tries || now() > give_up)
                return written;
        }
    }

    Result<std::optional<Written>> find_written(std::string_view run, std::int64_t step) override {
        return find_marker(*TRY(connected(writing_, writer_, Access::read_write)), run, step);
    }

    Result<MarkerState> marker_state() override {
        return read_marker_state(*TRY(connected(writing_, writer_, Access::read_write)));
    }

    Result<std::unique_ptr<Trial>> begin_trial(const io::Path&) override {
        TRY(connected(writing_, writer_, Access::read_write));
        return std::unique_ptr<Trial>(std::make_unique<MariadbTrial>(writer_));
    }

    Result<std::unique_ptr<io::Source>> dump(const std::vector<std::string>& tables) override {
        auto* connection = TRY(connected(writing_, writer_, Access::read_write));
        for (const auto& table : tables)
            if (!TRY(connection->has_table(table)))
                return Error{ .kind = Kind::missing,
                              .why = fmt::format("there is no table {}", printable(table)) };
        auto source = io::run_program(dump_program(writer_, tables));
        if (!source.ok() && source.error().kind == Kind::missing)
            source.error().fix = "apt-get install mariadb-client";
        return source;
    }

    Result<std::vector<Lack>> find_lacks() override {
        auto lacks = TRY(find_writer_lacks(*TRY(connected(writing_, writer_, Access::read_write))));
        if (!reads_apart_)
            return lacks;
        const auto more = TRY(find_reader_lacks(*TRY(connected(reading_, reader_, Access::read_only))));
        lacks.insert(lacks.end(), more.begin(), more.end());
        return lacks;
    }

  private:
    // The server may have dropped it since the last call, when nothing was open.
    static Result<MariadbConnection*> connected(std::unique_ptr<MariadbConnection>& connection,
                                                const Login& login, Access access) {
        if (!connection || !connection->is_open() || !connection->run("select 1").ok())
            connection = TRY(MariadbConnection::open(login, access, live_patience));
        return connection.get();
    }

    Result<Written> try_write(MariadbConnection& connection, const Write& write, const Marker& marker,
                              const Approval& approve, bool& approved, bool& again) {
        TRY(make_marker_tables(connection, marker_tables)); // commits by itself
        TRY(connection.run("start transaction"));
        auto written = write_all(connection, write, marker, approve, approved);
        if (!written.ok()) {
            again = connection.may_try_again();
            if (connection.is_open() && !connection.run("rollback").ok())
                writing_.reset();
            return written;
        }
        const auto committed = connection.run("commit");
        if (committed.ok())
            return written;
        return connection.is_open() ? Result<Written>(committed.error())
                                    : settle(marker, committed.error());
    }

    Result<Written> write_all(MariadbConnection& connection, const Write& write, const Marker& marker,
                              const Approval& approve, bool& approved) {
        TRY(connection.run(wait_for_our_turn));
        TRY(check_token(connection, marker));
        const auto moment = now();
        const auto number = TRY(add_marker(connection, marker, write.why, moment));
        TRY(take_business_keys(connection, write, number));
        auto written = TRY(MariadbChanges(connection, moment).apply(write));
        written.marker = number;
        approved = static_cast<bool>(approve);
        if (approve)
            TRY(approve(written));
        TRY(fill_marker(connection, number, written));
        return written;
    }

    // The answer to a commit was lost. Whoever gets its turn knows that the other transaction has ended,
    // and whether it was kept.
    Result<Written> settle(const Marker& marker, const Error& lost) {
        auto connection = MariadbConnection::open(writer_, Access::read_write, live_patience);
        auto found = connection.ok() ? find_after(*connection.value(), marker)
                                     : Result<std::optional<Written>>(connection.error());
        if (!found.ok())
            return Error{ .kind = Kind::unknown,
                          .why = fmt::format("the server went away in the commit ({}), and cannot be "
                                             "asked whether it was kept: {}",
                                             lost.why, found.error().why),
                          .fix = "when the server is back: respawn resume" };
        if (found.value())
            return std::move(*found.value());
        return Error{ .kind = Kind::unavailable,
                      .why = lost.why + "; nothing was changed",
                      .fix = lost.fix };
    }

    static Result<std::optional<Written>> find_after(MariadbConnection& connection, const Marker& marker) {
        TRY(connection.run("start transaction"));
        TRY(connection.run(wait_for_our_turn));
        auto found = find_marker(connection, marker.run, marker.step);
        TRY(connection.run("rollback"));
        return found;
    }

    Login writer_, reader_;
    bool reads_apart_;
    std::unique_ptr<MariadbConnection> reading_, writing_;
};

} // namespace

Result<std::unique_ptr<Database>> open_mariadb(const config::ComponentSettings& settings) {
    auto writer = TRY(writing_login(settings, server_kind));
    auto reader = TRY(reading_login(settings, server_kind));
    return std::unique_ptr<Database>(std::make_unique<Mariadb>(std::move(writer), std::move(reader),
                                                               !settings.reader.empty()));
}

} // namespace respawn::database
