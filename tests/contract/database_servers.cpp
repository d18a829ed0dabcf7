#include "contract/database_rig.h"

#include <arpa/inet.h>
#include <atomic>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace respawn;
using namespace respawn::testing;

namespace {

int connect_to(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

// Stands between and cuts the first connection that commits.
class Cutter {
  public:
    enum class Where { before_the_server, before_the_answer, and_for_good };
    Cutter(int port, Where where, int answers_first)
        : port_(port), where_(where), answers_first_(answers_first),
          listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listening_, 8) == 0);
        accepting_ = std::thread([this] { accept_all(); });
    }
    ~Cutter() {
        ended_ = true;
        ::shutdown(listening_, SHUT_RDWR);
        accepting_.join();
        for (auto& line : lines_)
            line.join();
        ::close(listening_);
    }
    Cutter(const Cutter&) = delete;
    Cutter& operator=(const Cutter&) = delete;

    int port() const {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }
    bool has_cut() const { return has_cut_; }

  private:
    void accept_all() {
        for (;;) {
            const int client = ::accept(listening_, nullptr, nullptr);
            if (client < 0)
                return;
            if (has_cut_ && where_ == Where::and_for_good)
                ::close(client);
            else
                lines_.emplace_back([this, client] { carry(client); });
        }
    }

    void carry(int client) {
        const int server = connect_to(port_);
        int commit = -1; // answers that still pass
        while (!ended_) {
            pollfd both[] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
            if (::poll(both, 2, 50) <= 0)
                continue;
            std::string bytes(1 << 16, '\0');
            const bool asks = both[0].revents != 0;
            const auto size = ::recv(asks ? client : server, bytes.data(), bytes.size(), 0);
            if (size <= 0)
                break;
            bytes.resize(static_cast<std::size_t>(size));
            // At the beginning of what is prepared: behind MariaDB's command, or PostgreSQL's empty
            // name.
            if (asks && !has_cut_ &&
                (bytes.find("\x16"
                            "commit") != std::string::npos ||
                 bytes.find(std::string("\0commit\0", 8)) != std::string::npos))
                commit = answers_first_;
            if (commit == 0 && (!asks || where_ == Where::before_the_server)) {
                has_cut_ = true;
                break;
            }
            commit -= !asks && commit > 0 ? 1 : 0;
            if (::send(asks ? server : client, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0)
                break;
        }
        ::close(client);
        ::close(server);
    }

    int port_;
    Where where_;
    int answers_first_, listening_;
    std::atomic<bool> has_cut_ = false, ended_ = false;
    std::thread accepting_;
    std::vector<std::thread> lines_;
};

config::ComponentSettings through(const Scene& scene, const Cutter& cutter) {
    auto settings = scene.settings;
    const auto colon = settings.url.rfind(':'), slash = settings.url.rfind('/');
    settings.url.replace(colon + 1, slash - colon - 1, std::to_string(cutter.port()));
    return settings;
}

} // namespace

TEST_CASE("a commit whose answer is lost is told as what it was", "[contract]") {
    const auto rig = GENERATE(from_range(server_rigs()));
    const Scene scene(rig);
    REQUIRE(scene.write({ paid(1, 1, "") }).ok()); // makes the tables
    const int port = std::stoi(shared_server(rig.kind).at("PORT"));
    const int answers_first = rig.kind == "mariadb" ? 1 : 0; // to preparing the statement
    const auto write_through = [&](const Cutter& cutter) {
        const auto database = got(database::open_database(through(scene, cutter)));
        auto written = database->write({ .changes = { paid(1, 50, "pay:1") }, .why = "x" },
                                       { "RUN1", 2, "/", 1 }, {});
        CHECK(cutter.has_cut());
        return written;
    };
    DYNAMIC_SECTION(rig.kind) {
        SECTION("it was kept") {
            const Cutter cutter(port, Cutter::Where::before_the_answer, answers_first);
            const auto written = got(write_through(cutter));
            CHECK(row_of(written, "players")->after.at("galleons") == Value(151));
            CHECK(scene.one("select galleons from players where id = 1") == Value(151));
        }
        SECTION("it never reached the server") {
            const Cutter cutter(port, Cutter::Where::before_the_server, answers_first);
            const auto written = write_through(cutter);
            CHECK(kind_of(written) == Kind::unavailable);
            CHECK_THAT(written.error().why, Catch::Contains("nothing was changed"));
            CHECK(scene.one("select galleons from players where id = 1") == Value(101));
        }
        SECTION("nobody can be asked: it is unknown, until it is found") {
            const Cutter cutter(port, Cutter::Where::and_for_good, answers_first);
            CHECK(kind_of(write_through(cutter)) == Kind::unknown);
            const auto found = got(scene.database->find_written("RUN1", 2));
            REQUIRE(found);
            CHECK(row_of(*found, "players")->after.at("galleons") == Value(151));
        }
    }
}

TEST_CASE("the documented GRANTs are enough, and no more than enough to read", "[contract]") {
    const auto rig = GENERATE(from_range(server_rigs()));
    const Scene scene(rig);
    const auto name = scene.settings.url.substr(scene.settings.url.rfind('/') + 1);
    const auto user = "w" + name.substr(name.size() - 20), reader = "r" + name.substr(name.size() - 20);
    DYNAMIC_SECTION(rig.kind) {
        // As docs/databases.md has them.
        scene.game(fmt::format(fmt::runtime(scene.in("", R"(
            CREATE USER {0}@'%' IDENTIFIED BY 'secret'; CREATE USER {1}@'%' IDENTIFIED BY 'secret';
            GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, TRIGGER, EVENT, LOCK TABLES, SHOW VIEW ON {2}.* TO {0}@'%';
            GRANT SELECT, SHOW VIEW ON {2}.* TO {1}@'%';)",
                                                     R"(
            CREATE ROLE {0} LOGIN PASSWORD 'secret'; CREATE ROLE {1} LOGIN PASSWORD 'secret';
            GRANT USAGE, CREATE ON SCHEMA public TO {0};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {0};
            GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO {0};
            GRANT USAGE ON SCHEMA public TO {1};
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO {1};)")),
                               user, reader, name));
        auto settings = scene.settings;
        const auto at = settings.url.find('@'), slashes = settings.url.find("://") + 3;
        settings.url = settings.url.substr(0, slashes) + user + settings.url.substr(at);
        settings.reader = settings.url.substr(0, slashes) + reader + scene.settings.url.substr(at);
        settings.password = settings.reader_password = Secret("test", "secret");
        {
            const auto database = got(database::open_database(settings));
            const auto lacks = got(database->find_lacks());
            INFO((lacks.empty() ? "" : lacks[0].why));
            CHECK(lacks.empty());
            CHECK(got(database->query("select count(*) from players", {})).rows[0][0] == Value(3));
            const auto trial = got(database->begin_trial(scene.folder.path()));
            CHECK(got(trial->write({ .changes = { paid(1, 1, "") }, .why = "x" })).rows.size() == 2);
            const auto written = got(database->write(
                { .changes = { paid(1, 50, "k"),
                               insert("duels", { { "player", 1 }, { "status", "new" } }) },
                  .why = "x" },
                { "RUN1", 1, "/", 1 }, {}));
            CHECK(written.rows.size() == 3);
            CHECK(got(database->find_written("RUN1", 1)));
            CHECK_THAT(whole(*got(database->dump({ "players", "duels" }))), Catch::Contains("active"));
        }
        scene.game(scene.in("", fmt::format("drop user {}@'%', {}@'%'", user, reader),
                            fmt::format("drop owned by {0}, {1}; drop role {0}, {1}", user, reader)));
    }
}

TEST_CASE("a server's dump loads with its own client and says the same there", "[contract]") {
    const auto rig = GENERATE(from_range(server_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        scene.game(scene.in("", R"(
            create table `odd ``name` (`a b` text, c double, d blob, e bit(9), f decimal(20, 5));
            insert into `odd ``name` values ('it''s\n two lines', 1e300, x'00ff', 5, 1.5), ('größe 小', 0.1, '', null, null);
            create view rich as select * from players where galleons > 50;
            create procedure nothing_much() select 1;)",
                            R"(
            create table "odd ""name" ("a b" text, c double precision, d bytea, e numeric(20, 5));
            insert into "odd ""name" values (E'it''s\n two lines', 1e300, '\x00ff', 1.5), ('größe 小', 0.1, '', null);
            create view rich as select * from players where galleons > 50;)"));
        REQUIRE(scene.write({ paid(1, 1, "once") }).ok());
        const auto text = whole(*got(scene.database->dump({})));
        const auto password = std::string(scene.settings.password.reveal());
        CHECK(text.find(password) == std::string::npos);
        const auto copy = rig.settings(scene.folder.path());
        rig.game(copy, text);
        const auto loaded = got(database::open_database(copy));
        for (const auto* sql : { "select * from players order by 1", "select * from duels order by 1",
                                 "select * from audit order by 1", "select * from rich order by 1" })
            CHECK(got(loaded->query(sql, {})).rows == got(scene.database->query(sql, {})).rows);
        const auto odd = scene.in("", "select * from `odd ``name` order by 2",
                                  "select * from \"odd \"\"name\" order by 2");
        CHECK(got(loaded->query(odd, {})).rows == got(scene.database->query(odd, {})).rows);
        CHECK(got(loaded->marker_state()).highest == 1);
        CHECK(whole(*got(loaded->dump({ "duels" }))).find("INSERT INTO `players`") ==
              std::string::npos);
        CHECK(kind_of(scene.database->dump({ "nosuch" })) == Kind::missing);
        rig.drop(copy);

        SECTION("one that is not read to its end is stopped, one that fails says why") {
            scene.game(scene.in(
                "",
                "insert into players (name, galleons) select concat('p', seq), 1 from seq_1_to_50000",
                "insert into players (name, galleons) select 'p' || i, 1 from generate_series(1, "
                "50000) i"));
            {
                const auto begun = got(scene.database->dump({}));
                char some[10];
                CHECK(got(begun->read(some, sizeof some)) > 0);
            }
            auto broken = scene.settings;
            const auto database = got(database::open_database(broken));
            scene.game(scene.in("", "create view lost as select * from duels; drop table duels",
                                "alter table players enable row level security"));
            const auto dumped = io::read_all(*got(database->dump({})));
            if (rig.kind == "mariadb") {
                CHECK(kind_of(dumped) == Kind::io);
                CHECK_THAT(dumped.error().why, Catch::Contains("lost"));
            }
        }
    }
}

TEST_CASE("a column or table of a server that has gone is named", "[contract]") {
    const auto rig = GENERATE(from_range(server_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        REQUIRE(scene.one("select seen_at from players where id = 1").is_null());
        scene.game("alter table players drop column seen_at");
        const auto read = scene.database->query("select seen_at from players", {});
        CHECK(kind_of(read) == Kind::usage);
        CHECK_THAT(read.error().why, Catch::Contains("seen_at"));
        CHECK(kind_of(scene.write({ update("players", { { "id", 1 } }, { { "seen_at", "x" } }) })) ==
              Kind::script);
        scene.game("drop table duels");
        CHECK(kind_of(scene.write({ removal("duels", { { "id", 7 } }) })) == Kind::missing);
    }
}

TEST_CASE("what a server makes by itself is told as such: another time it is another value",
          "[contract]") {
    const auto rig = GENERATE(from_range(server_rigs()));
    const Scene scene(rig);
    DYNAMIC_SECTION(rig.kind) {
        scene.game(scene.in("", R"(
            create table accounts (id int primary key, n int, changed timestamp default current_timestamp on update current_timestamp);
            create table entries (id bigint primary key auto_increment, n int, at datetime default current_timestamp, tag varchar(40) default uuid());
            insert into accounts values (1, 5, '2020-01-01 00:00:00');
            create trigger lined after update on accounts for each row insert into entries (n) values (new.n);)",
                            R"(
            create table accounts (id int primary key, n int, changed timestamptz default now());
            create table entries (id bigserial primary key, n int, at timestamp default now(), tag uuid default gen_random_uuid());
            insert into accounts values (1, 5, '2020-01-01 00:00:00Z');
            create function line() returns trigger language plpgsql as $$ begin insert into entries (n) values (new.n); new.changed = now(); return new; end $$;
            create trigger lined before update on accounts for each row execute function line();)"));
        const auto written = got(scene.write({ update("accounts", { { "id", 1 } }, { { "n", 6 } }) }));
        REQUIRE(written.rows.size() == 2);
        CHECK(row_of(written, "accounts")->made == std::vector<std::string>{ "changed" });
        CHECK(row_of(written, "accounts")->before.at("changed").text()->starts_with("2020-01-01"));
        auto made = row_of(written, "entries")->made;
        std::sort(made.begin(), made.end());
        CHECK(made == std::vector<std::string>{ "at", "id", "tag" });
        CHECK(got(scene.database->find_written("RUN1", 1))->rows == written.rows);
    }
}
