#include "config/config.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <sys/stat.h>

using namespace respawn;
using config::Strictness;

namespace {

struct Place {
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    io::Path file = folder.path() / "respawn.yaml";

    Result<config::Config> read(std::string_view text, Strictness strictness = Strictness::strict) {
        REQUIRE(io::replace_durably(file, text).ok());
        return config::read_config(file, strictness);
    }
    // The first error without the file's name in front: "3:1: unknown key …".
    std::string mistake(std::string_view text) {
        const auto read_back = read(text);
        if (read_back.ok())
            return "none";
        const auto& why = read_back.error().why;
        REQUIRE(why.starts_with(file.string() + ":"));
        return why.substr(file.string().size() + 1);
    }
    void add_secret(std::string_view name, std::string_view text, mode_t mode = 0600) {
        REQUIRE(io::replace_durably(folder.path() / name, text, mode).ok());
        REQUIRE(::chmod((folder.path() / name).c_str(), mode) == 0);
    }
};

const std::string head = "game: wizards_of_x\n"
                         "environment: test\n"
                         "vault:\n"
                         "  key_file: wox.key\n"
                         "  locations: [{ name: local, url: backups }]\n"; // 5 lines
const std::string components = "components:\n"
                               "  saves: { kind: sqlite, path: saves.db }\n"; // lines 6 and 7
const std::string sound = head + components;

// Sets a variable of the environment while it lives.
struct Variable {
    std::string name;
    Variable(std::string of, const char* text) : name(std::move(of)) { setenv(name.c_str(), text, 1); }
    ~Variable() { unsetenv(name.c_str()); }
};

} // namespace

TEST_CASE("a whole configuration is read, with paths beside the file and secrets looked up") {
    Place place;
    place.add_secret("rpc", "http://127.0.0.1:8545/key\n");
    const Variable hook("RESPAWN_TEST_HOOK", "https://hooks.example/1/abc");
    const auto read = place.read(sound + R"(  memory:
    kind: files
    paths: [elizaos/memory, /srv/config]
    exclude: ["*.pyc", .git]
state: /var/lib/respawn
plans:
  daily: { components: all, type: auto_daily, at: "02:00", keep: { daily: 7, weekly: 4 } }
  critical: { components: [saves], every: hourly, keep: { hours: 24 } }
alerts:
  duels: { kind: file, path: messages.jsonl }
  people: { kind: webhook, url: "${env:RESPAWN_TEST_HOOK}" }
chains:
  base:
    urls: ["${file:rpc}", "http://127.0.0.1:8546"]
    chain_id: 8453
    confirmations: 6
    addresses: { hot_wallet: "0x00000000000000000000000000000000000000aA" }
runbooks: [mine]
)");
    INFO((read.ok() ? "" : read.error().why));
    REQUIRE(read.ok());
    const auto& config = read.value();
    const auto& folder = place.folder.path();
    CHECK(config.game == "wizards_of_x");
    CHECK(config.state == "/var/lib/respawn");
    CHECK(config.key_file == folder / "wox.key");
    CHECK(config.locations.at(0).url == (folder / "backups").string());
    CHECK(config.component("saves")->path == folder / "saves.db");
    CHECK(config.component("memory")->paths ==
          std::vector<io::Path>{ folder / "elizaos/memory", "/srv/config" });
    CHECK(config.component("memory")->exclude == std::vector<std::string>{ "*.pyc", ".git" });
    CHECK(config.component("nothing") == nullptr);
    CHECK(config.plan("daily")->components.empty());
    CHECK(config.plan("daily")->at == "02:00");
    CHECK(config.plan("daily")->type == "auto_daily");
    CHECK(config.plan("daily")->keep ==
          std::map<std::string, std::int64_t>{ { "daily", 7 }, { "weekly", 4 } });
    CHECK(config.plan("critical")->components == std::vector<std::string>{ "saves" });
    CHECK(config.plan("critical")->every == "hourly");
    CHECK(config.alerts.at(0).path == folder / "messages.jsonl");
    CHECK(config.alerts.at(1).url.reveal() == "https://hooks.example/1/abc");
    CHECK(config.alerts.at(1).url.name() == "env:RESPAWN_TEST_HOOK");
    CHECK(config.chains.at(0).urls.at(0).reveal() == "http://127.0.0.1:8545/key");
    CHECK(config.chains.at(0).urls.at(1).name() == "url");
    CHECK(config.chains.at(0).confirmations == 6);
    CHECK(config.chains.at(0).chain_id == 8453);
    CHECK(config.chains.at(0).addresses.at("hot_wallet").ends_with("aA"));
    CHECK(config.runbooks == std::vector<io::Path>{ folder / "mine" });
    CHECK(config.warnings.empty());
}

TEST_CASE("the smallest configuration gets its defaults") {
    Place place;
    const auto config = place.read(sound).value();
    CHECK(config.state == place.folder.path() / ".respawn");
    CHECK(config.plans.empty());
    CHECK(config.warnings.empty());
}

TEST_CASE("each mistake is named with its line and column") {
    Place place;
    struct Case {
        std::string text, mistake;
    };
    const auto& [text, mistake] = GENERATE(values<Case>({
        { head + "componets:\n  a: {}\n", "6:1: unknown key 'componets'; did you mean 'components'?" },
        { head, "1:1: the key 'components' is missing here (what to protect, by name)" },
        { "",
          "1:1: the key 'game' is missing here (the game's name, as people and snapshots call it)" },
        { "game: [a]\n", "1:7: 'game' must be a text, not a list" },
        { "game:\n", "1:1: 'game' must be a text, not nothing" },
        { "game: a\ngame: b\n", "2:1: 'game' is written twice, first in line 1" },
        { "game: &x a\nenvironment: *x\n",
          "1:7: anchors (&name) are not read here; write the value where it "
          "belongs" },
        { "game: !!binary a\n", "1:7: tags (!name) are not read here" },
        { "- game\n", "1:1: here belong keys and values, not a list" },
        { "? [a]\n: b\n", "1:3: a key must be a text" },
        { sound + "---\ngame: b\n", "9:1: a second document begins here; one file is one document" },
        { head + "components: {}\n",
          "6:13: 'components' must not be empty (what to protect, by name)" },
        { head + "components:\n  saves: { path: a }\n", "7:10: the key 'kind' is missing here" },
        { head + "components:\n  saves: { kind: sqllite }\n",
          "7:18: 'sqllite' is no component kind; did you mean 'sqlite'?" },
        { head + "components:\n  saves: { kind: redis, url: x }\n",
          "7:18: component kind 'redis' is not in this version; it has sqlite, files, mariadb, "
          "postgres" },
        { head + "components:\n  rows: { kind: mariadb, url: \"mysql://a:b@c/d\" }\n",
          "7:31: 'url' must be a server (scheme://user@host:port/name)" },
        { head + "components:\n  rows: { kind: postgres, url: \"postgresql://a@b/c\", tls: on }\n",
          "7:59: 'on' is no use of TLS; did you mean 'off'?" },
        { head + "components:\n  saves: { kind: sqlite }\n",
          "7:10: the key 'path' is missing here (the database file)" },
        { head + "components:\n  saves: { kind: sqlite, path: a, paths: [b] }\n",
          "7:35: unknown key 'paths'; did you mean 'path'?" },
        { head + "components:\n  a/b: { kind: sqlite, path: a }\n", "7:3: 'a/b' is no name" },
        { head + "components:\n  respawn-a: { kind: sqlite, path: a }\n",
          "7:3: names that begin with 'respawn-' are respawn's own" },
        { sound + "plans:\n  daily: { components: [sves] }\n",
          "9:25: there is no component 'sves'; did you mean 'saves'?" },
        { sound + "plans:\n  daily: { components: all, at: \"25:00\" }\n",
          "9:33: 'at' must be a time of day (\"02:00\")" },
        { sound + "plans:\n  daily: { components: all, at: \"02:00\", every: 1h }\n",
          "9:42: a plan has 'at' or 'every', not both" },
        { sound + "plans:\n  daily: { components: all, every: 5s }\n",
          "9:36: 'every' must be hourly, daily, weekly, or a duration (\"15m\", \"6h\")" },
        { sound + "plans:\n  daily: { components: all, keep: { daily: -1 } }\n",
          "9:44: 'daily' must be a whole number, 0 or more" },
        { sound + "plans:\n  daily: { components: all, keep: { dayly: 1 } }\n",
          "9:37: unknown key 'dayly'; did you mean 'daily'?" },
        { sound + "chains:\n  base: { urls: http://a, addresses: { hot: 0x12 } }\n",
          "9:45: 'hot' must be an address (0x and 40 hex digits)" },
        { sound + "chains:\n  base: { urls: http://a, confirmations: 0 }\n",
          "9:42: 'confirmations' must be a whole number, 1 or more" },
        { sound + "alerts:\n  a: { kind: discord, url: x }\n",
          "9:14: alert kind 'discord' is not in this version; it has file, webhook" },
    }));
    CHECK(place.mistake(text) == mistake);
}

TEST_CASE("locations of later versions and broken YAML are refused where they stand") {
    Place place;
    const std::string game = "game: a\nenvironment: b\nvault:\n  key_file: k\n";
    CHECK(place.mistake(game + "  locations: [{ name: s, url: \"s3://bucket\" }]\n") ==
          "5:31: locations of s3:// are not in this version; it has folders (file:///path)");
    CHECK(place.mistake(game + "  locations: [{ name: s, url: a }, { name: s, url: b }]\n" +
                        components) == "5:44: two locations are called 's'");
    CHECK(place.mistake("game: [a\n").find("this is no YAML") != std::string::npos);
}

TEST_CASE("secrets stand in references only, and no error shows one") {
    Place place;
    place.add_secret("empty", "\n");
    const auto alert = [](const std::string& url) {
        return sound + "alerts:\n  a: { kind: webhook, url: \"" + url + "\" }\n";
    };
    struct Case {
        std::string url, mistake;
    };
    const auto& [url, mistake] = GENERATE(values<Case>({
        { "https://hunter2.example", "9:28: 'url': a secret stands here in plain text" },
        { "https://x/${env:HOME}/hunter2", "9:28: 'url': a secret stands here in plain text" },
        { "${env:RESPAWN_NOT_SET}",
          "9:28: 'url': the environment variable RESPAWN_NOT_SET is not set" },
        { "${vault:hunter2}", "9:28: 'url': a reference is ${env:NAME} or ${file:PATH}" },
        { "${env:A B}", "9:28: 'url': ${env:…} names no environment variable" },
    }));
    CHECK(place.mistake(alert(url)) == mistake);
    CHECK(place.read(alert(url)).error().fix.find("hunter2") == std::string::npos);
    CHECK(place.mistake(alert("${file:empty}")).ends_with("empty is empty"));
    CHECK(place.mistake(alert("${file:gone}")).ends_with("gone is not there"));
    const auto rpc = sound + "chains:\n  base: { urls: [\"https://me:hunter2@rpc.example\"] }\n";
    CHECK(place.mistake(rpc) == "9:18: 'urls': a secret stands here in plain text");
    CHECK(place.mistake("game: ${env:HOME}\n") == "1:7: 'game' must be a text");
}

TEST_CASE("a secret's file that others may read is a warning") {
    Place place;
    place.add_secret("hook", "https://hunter2.example", 0644);
    const auto config =
        place.read(sound + "alerts:\n  a: { kind: webhook, url: \"${file:hook}\" }\n").value();
    REQUIRE(config.warnings.size() == 1);
    CHECK(config.warnings[0].find(":9:28: others may read") != std::string::npos);
    CHECK(config.warnings[0].find("hunter2") == std::string::npos);
}

TEST_CASE("what this version checks but does not use is a warning, and wrong forms of it are errors") {
    Place place;
    const auto config = place.read(head.substr(0, head.find("url: backups")) +
                                   "url: backups, region: us }]\n" + components);
    REQUIRE(config.ok());
    REQUIRE(config.value().warnings.size() == 1);
    CHECK(config.value().warnings[0].find("'region' is not used by this version yet") !=
          std::string::npos);
    CHECK(place.mistake(sound + "scratch: { saves: \"mysql://me:hunter2@127.0.0.1/\" }\n") ==
          "8:19: 'url' must be a server (scheme://user@host:port/name)");
}

TEST_CASE("services are read in the order in which they start") {
    Place place;
    const auto config = place.read(sound + R"(services:
  manager: systemd
  units: [nginx, redis, wizards-of-x, mysql]
  core: [mysql]
  command: [sudo, -n, systemctl]
  wizards-of-x: { needs: [mysql, redis], health: { url: "http://127.0.0.1:8080/health" }, kill_after: 90s }
  nginx: { needs: wizards-of-x }
)");
    INFO((config.ok() ? "" : config.error().why));
    REQUIRE(config.ok());
    CHECK(config.value().warnings.empty());
    const auto& services = *config.value().services;
    std::string order;
    for (const auto& unit : services.units)
        order += unit.name + " ";
    CHECK(order == "mysql redis wizards-of-x nginx ");
    CHECK(services.unit("wizards-of-x")->health.url == "http://127.0.0.1:8080/health");
    CHECK(services.unit("wizards-of-x")->kill_after == std::chrono::seconds(90));
    CHECK_FALSE(services.unit("nginx")->kill_after);
    CHECK(services.command.size() == 3);
}

TEST_CASE("mistakes in services are named, circles with all their units") {
    Place place;
    const auto mistake = [&](const std::string& line) {
        return place.mistake(sound + "services: { manager: systemd, " + line + " }\n");
    };
    CHECK(mistake("units: [a, b], a: { needs: b }, b: { needs: [a] }")
              .ends_with("units need each other in a circle: a → b → a"));
    CHECK(mistake("units: [a], a: { needs: a }").ends_with("in a circle: a → a"));
    CHECK(mistake("units: [nginx], core: [ngnix]")
              .ends_with("'ngnix' is none of the units; did you mean 'nginx'?"));
    CHECK(mistake("units: [nginx], maneger: {}")
              .ends_with("'maneger' is none of the units; did you mean 'manager'?"));
    CHECK(mistake("units: [\"../x\"]").ends_with("'../x' is no name of a unit"));
    CHECK(mistake("units: [all]").ends_with("'all' is no name of a unit"));
    CHECK(mistake("units: [a], a: { health: { tcp: localhost } }").ends_with("must be HOST:PORT"));
    CHECK(mistake("units: [a], a: { health: { tcp: \"b:1\", url: \"http://c/\" } }")
              .ends_with("one of 'url', 'tcp' and 'command'"));
    CHECK(mistake("units: [a], socket: /run/s").ends_with("'socket' is for the manager supervisord"));
    CHECK(place.mistake(sound + "services: { manager: process, units: [a] }\n")
              .ends_with("nothing says how 'a' is started"));
    CHECK(place.mistake(sound + "services: { manager: initd, units: [nginx] }\n")
              .starts_with("8:22: 'initd' is no service manager"));
    SECTION("at night they are passed over, with a warning") {
        const auto read =
            place.read(sound + "services: { manager: systemd, units: [a, a] }\n", Strictness::lenient);
        REQUIRE(read.ok());
        CHECK_FALSE(read.value().services);
        CHECK(read.value().warnings.size() == 1);
    }
}

TEST_CASE("copies of a database server's component go to a server of their own") {
    Place place;
    place.add_secret("secret", "hidden\n");
    const std::string rows = head + "components:\n  rows: { kind: mariadb, url: \"mysql://a@b/c\", "
                                    "reader: \"mysql://r@b/c\" }\n"
                                    "  saves: { kind: files, paths: [saves] }\n";
    const auto short_form = place.read(rows + "scratch: { folder: x, rows: \"mysql://s@h:3307/\" }\n");
    REQUIRE(short_form.ok());
    CHECK(short_form.value().warnings.empty());
    REQUIRE(short_form.value().scratch_servers.size() == 1);
    CHECK(short_form.value().scratch_server("rows")->server.url == "mysql://s@h:3307/");
    CHECK_FALSE(short_form.value().scratch_server("rows")->most_bytes);
    CHECK(short_form.value().scratch_server("saves") == nullptr);

    const auto long_form =
        place.read(rows + "scratch:\n  rows: { url: \"mysql://s@h/\", password: \"${file:secret}\", "
                          "tls: required, most: 20 GiB }\n");
    REQUIRE(long_form.ok());
    const auto* scratch = long_form.value().scratch_server("rows");
    REQUIRE(scratch != nullptr);
    CHECK(scratch->server.password.reveal() == "hidden");
    CHECK(scratch->server.tls == "required");
    CHECK(scratch->most_bytes == 20ULL << 30);

    const auto wrong = [&](const std::string& scratch) { return place.mistake(rows + scratch); };
    CHECK(wrong("scratch: { row: \"mysql://s@h/\" }\n").find("did you mean 'rows'?") !=
          std::string::npos);
    CHECK(wrong("scratch: { saves: \"mysql://s@h/\" }\n").find("'saves' is of kind files") !=
          std::string::npos);
    CHECK(wrong("scratch: { rows: { most: 20 GiB } }\n").find("the key 'url' is missing here") !=
          std::string::npos);
    CHECK(
        wrong("scratch: { rows: { url: \"mysql://s@h/\", mist: 1 } }\n").find("did you mean 'most'?") !=
        std::string::npos);
    for (const auto* size : { "much", "20 Gib", "0", "99999999 TiB", "-1" })
        CHECK(wrong(std::string("scratch: { rows: { url: \"mysql://s@h/\", most: ") + size + " } }\n")
                  .find("'most' must be a size (20 GiB)") != std::string::npos);
}

TEST_CASE("a journal of several hosts is a server's URL, or a section with it") {
    Place place;
    place.add_secret("secret", "hidden\n");
    CHECK_FALSE(place.read(sound).value().journal);
    const auto short_form = place.read(sound + "journal: \"postgres://fleet@h/respawn\"\n");
    REQUIRE(short_form.ok());
    CHECK(short_form.value().journal->server.url == "postgres://fleet@h/respawn");
    CHECK(short_form.value().journal->lease == std::chrono::seconds(30));
    const auto long_form = place.read(
        sound + "journal: { url: \"postgres://fleet@h/respawn\", password: \"${file:secret}\", tls: "
                "required, lease: 2m }\n");
    REQUIRE(long_form.ok());
    CHECK(long_form.value().journal->server.password.reveal() == "hidden");
    CHECK(long_form.value().journal->server.tls == "required");
    CHECK(long_form.value().journal->lease == std::chrono::minutes(2));
    CHECK(place.mistake(sound + "journal: { password: \"${file:secret}\" }\n")
              .find("the key 'url' is missing here") != std::string::npos);
    // Never passed over: runs would be written to a journal that nobody else reads.
    CHECK_FALSE(
        place.read(sound + "journal: { url: \"postgres://f@h/r\", lease: long }\n", Strictness::lenient)
            .ok());
}

TEST_CASE("a database server has a login that writes, and one that reads is wise") {
    Place place;
    place.add_secret("secret", "hidden\n");
    const auto config =
        place.read(head + "components:\n  rows: { kind: mariadb, url: \"mysql://a@b/c\", password: "
                          "\"${file:secret}\", tls: required, tls_ca: ca.pem }\n");
    REQUIRE(config.ok());
    const auto& rows = *config.value().component("rows");
    CHECK(rows.url == "mysql://a@b/c");
    CHECK(rows.password.reveal() == "hidden");
    CHECK(rows.tls == "required");
    CHECK(rows.tls_ca.filename() == "ca.pem");
    REQUIRE_FALSE(config.value().warnings.empty());
    CHECK(config.value().warnings.back().find("'rows' has no reader") != std::string::npos);
}

TEST_CASE("at 3 a.m. what is wrong elsewhere is a warning, what the vault needs is not") {
    Place place;
    const auto text = sound + "  rows: { kind: redis, url: \"redis://a@b/c\" }\n"
                              "colour: red\n"
                              "plans: { all: { components: all }, some: { components: [rows] } }\n"
                              "alerts: { a: { kind: webhook, url: \"${env:RESPAWN_NOT_SET}\" } }\n";
    REQUIRE_FALSE(place.read(text).ok());
    const auto read = place.read(text, Strictness::lenient);
    REQUIRE(read.ok());
    CHECK(read.value().warnings.size() == 4);
    CHECK(read.value().components.size() == 1);
    CHECK(read.value().plan("all") != nullptr);
    CHECK(read.value().plan("some") == nullptr);
    CHECK(read.value().alerts.empty());
    CHECK_FALSE(place.read("vualt: {}\n" + components, Strictness::lenient).ok());
    CHECK_FALSE(place.read(sound + "state: [a]\n", Strictness::lenient).ok());
}

TEST_CASE("hostile files end in one error, quickly") {
    Place place;
    CHECK_FALSE(place.read(std::string(2 * 1024 * 1024, 'a')).ok());
    CHECK_FALSE(place.read("game: " + std::string(100'000, '[')).ok());
    CHECK(
        place.mistake("game: [[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]\n").ends_with("nested too deeply"));
    CHECK_FALSE(place.read(std::string("\x00\xff\xfe{{{", 6)).ok());
    CHECK_FALSE(place.read("\"\\xzz\": 1").ok());
}

TEST_CASE("the configuration is looked for where the help says") {
    Place place;
    CHECK(config::find_config(place.folder.path() / "gone.yaml").error().kind == Kind::missing);
    REQUIRE(place.read(sound).ok());
    CHECK(config::find_config(place.file).value() == place.file);
    const Variable named("RESPAWN_CONFIG", place.file.c_str());
    CHECK(config::find_config(std::nullopt).value() == place.file);
}

TEST_CASE("the reference page has every section and the words of each choice") {
    const auto page = config::configuration_reference();
    for (const auto* part : { "## `vault.locations`", "`confirmations`", "systemd, supervisord",
                              "`key_file`", "| required |" })
        CHECK(page.find(part) != std::string::npos);
}

TEST_CASE("a vault is opened by a key file or a passphrase, by one of them") {
    Place place;
    place.add_secret("words", "correct horse battery staple\n");
    const auto with = [&](const std::string& lines) {
        return place.read("game: a\nenvironment: b\nvault:\n" + lines +
                          "  locations: [{ name: local, url: backups }]\n" + components);
    };
    const auto passphrase = with("  passphrase: \"${file:words}\"\n");
    REQUIRE(passphrase.ok());
    CHECK(passphrase.value().passphrase.reveal() == "correct horse battery staple");
    CHECK(passphrase.value().key_file.empty());
    CHECK(with("").error().why.find("'key_file' is missing") != std::string::npos);
    CHECK(with("  key_file: k\n  passphrase: \"${file:words}\"\n").error().why.find("not both") !=
          std::string::npos);
    const auto plain = with("  passphrase: correct horse\n").error().why;
    CHECK(plain.find("correct horse") == std::string::npos);
}

TEST_CASE("checks and rules are read, and what they lack is said where it is lacking") {
    Place place;
    const auto rules = [&](const std::string& rule) {
        return head + "components:\n  saves:\n    kind: sqlite\n    path: a.db\n    rules:\n      - " +
               rule + "\n";
    };
    const auto read = place.read(
        rules("{ table: players, column: gold, min: -1.5, pattern: \"^[0-9]+$\", not_after: now }") +
        "plans:\n  daily:\n    components: all\n    checks:\n"
        "      - { name: gold, sql: \"select 1\", within: 12.5% }\n"
        "      - { name: all, component: saves, sql: \"select 2\", between: [-1, 2.5] }\n"
        "      - { name: none, sql: \"select 3\", equals: \"0\" }\n"
        "scratch: { folder: there }\n");
    REQUIRE(read.ok());
    const auto& config = read.value();
    REQUIRE(config.plans[0].checks.size() == 3);
    CHECK(config.plans[0].checks[0].expected.within == 0.125);
    CHECK(config.plans[0].checks[1].expected.between == std::vector<std::string>{ "-1", "2.5" });
    CHECK(config.plans[0].checks[2].expected.equals == "0");
    CHECK(config.components[0].rules[0].min == "-1.5");
    CHECK(config.scratch == place.folder.path() / "there");
    CHECK(place.read(sound).value().scratch == place.read(sound).value().state);

    CHECK(place.mistake(rules("{ table: players, column: gold }"))
              .starts_with("11:9: a rule says what holds"));
    CHECK(
        place.mistake(rules("{ table: players, min: 0 }")).starts_with("11:9: a rule has 'table' and"));
    CHECK(place.mistake(rules("{ sql: \"select 1\" }"))
              .starts_with("11:9: a rule with 'sql' has one of"));
    CHECK(place.mistake(rules("{ table: a, column: b, pattern: \"(\" }")).find("'pattern' must be") !=
          std::string::npos);
    CHECK(place.mistake(rules("{ table: a, column: b, between: 5 }")).find("a list of two numbers") !=
          std::string::npos);
    CHECK(place.mistake(rules("{ table: a, column: b, between: [1, x] }"))
              .find("a list of two numbers") != std::string::npos);
    CHECK(place.mistake(rules("{ table: a, column: b, mni: 5 }")).find("did you mean 'min'?") !=
          std::string::npos);
    CHECK(place.mistake(rules("{ table: a, column: b, not_after: someday }"))
              .find("'not_after' must be") != std::string::npos);
    const auto check = [&](const std::string& text) {
        return place.mistake(sound + "plans: { daily: { components: all, checks: [" + text + "] } }\n");
    };
    CHECK(check("{ name: a, sql: b, equals: 1, within: 1% }").find("a check has one of") !=
          std::string::npos);
    CHECK(check("{ name: a, sql: b, within: 10 }").find("'within' must be a share") !=
          std::string::npos);
    CHECK(
        check("{ name: a, sql: b, equals: 1, component: save }").find("there is no component 'save'") !=
        std::string::npos);
    CHECK(check("{ name: a, equals: 1 }").find("the key 'sql' is missing") != std::string::npos);
    CHECK(place.mistake(head + "components:\n  a: { kind: files, paths: [x], rules: [] }\n")
              .find("unknown key 'rules'") != std::string::npos);
}
