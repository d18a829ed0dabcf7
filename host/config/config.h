// respawn.yaml, read strictly: unknown keys, wrong types and missing secrets are errors with line and
// column and the nearest known key.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "io/file.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace respawn::config {

struct LocationSettings {
    std::string name;
    std::string url;
};

// What the first cell of an answer has to be: one of these. Numbers as they are written.
struct Expected {
    std::optional<std::string> equals;
    std::vector<std::string> between; // two numbers; or nothing
    std::optional<double> within;     // a share (0.1) of what the last backup before had
};

// A question that `verify` asks a restored copy.
struct CheckSettings {
    std::string name;
    std::string component; // empty: the only database
    std::string sql;
    Expected expected;
};

// What every row of a table has to hold in a column; or, with sql, what that gives.
struct RuleSettings {
    std::string table, column;
    std::optional<std::string> min, max; // numbers
    std::string pattern;                 // a POSIX extended regular expression
    std::string not_after;               // "now", or a moment
    std::string sql;
    Expected expected; // of sql
};

struct ComponentSettings {
    std::string name;
    std::string kind;                 // "sqlite", "files", "mariadb", "postgres"
    io::Path path;                    // sqlite: the database file
    std::vector<io::Path> paths;      // files: files and folders
    std::vector<std::string> exclude; // files: shell patterns; without '/' they match a name anywhere
    std::string url, reader;          // servers: "mysql://user@host:port/name"; reader may be empty
    Secret password, reader_password;
    std::string tls; // "verify", "required", "off"; empty: by where the server is
    io::Path tls_ca;
    std::vector<RuleSettings> rules;
};

// Names of components that begin so are respawn's own.
inline constexpr std::string_view own_prefix = "respawn-";

// Where `verify` makes copies of a database server's component.
struct ScratchServer {
    ComponentSettings server; // named as the component; its url names no database
    std::optional<std::uint64_t> most_bytes;
};

// A journal that several hosts share.
struct JournalSettings {
    ComponentSettings server;                  // named "journal"; its url names the database
    Duration lease = std::chrono::seconds(30); // a host that is silent for longer is taken to be dead
};

using KeepSettings = std::map<std::string, std::int64_t>; // "daily" → 7

struct PlanSettings {
    std::string name;
    std::vector<std::string> components; // empty: all
    std::string type = "manual";
    std::vector<std::string> tables; // empty: all
    std::string at;                  // "02:00", UTC; or
    std::string every;               // "hourly", "daily", "weekly", "15m"
    KeepSettings keep;               // empty: everything
    std::vector<CheckSettings> checks;
};

struct AlertSettings {
    std::string name;
    std::string kind; // "file", "webhook"
    io::Path path;    // of a file
    Secret url;       // of a webhook
};

struct ChainSettings {
    std::string name;
    std::vector<Secret> urls;                     // JSON-RPC over HTTP; all of them are asked
    std::optional<std::int64_t> chain_id;         // what they must be: 8453
    std::int64_t confirmations = 12;              // how deep "deep enough" is, in blocks
    std::map<std::string, std::string> addresses; // names a runbook may use: hot_wallet, galleon_token
};

// How it is found out whether a unit does its work; of the three one, or none.
struct HealthSettings {
    std::string url;                  // answers with 2xx
    std::string tcp;                  // "host:port" takes a connection
    std::vector<std::string> command; // ends with 0
    bool empty() const { return url.empty() && tcp.empty() && command.empty(); }
};

// One service of the game.
struct UnitSettings {
    std::string name;
    std::vector<std::string> needs; // units that have to run before it
    HealthSettings health;
    Duration start_within = std::chrono::seconds(60); // until it runs, has settled and is healthy
    Duration settle = std::chrono::seconds(2);        // it must stay up for so long
    Duration stop_within = std::chrono::seconds(60);
    std::optional<Duration> kill_after; // SIGKILL; never, when not given
    // Of a plain process:
    std::vector<std::string> command;
    io::Path folder, log;
};

// The services of the game. Every need is one of the units, and there is no cycle.
struct ServiceSettings {
    std::string manager;              // "systemd", "supervisord", "runit", "process"
    std::vector<UnitSettings> units;  // what is needed first stands first
    std::vector<std::string> core;    // those that keep running in safe mode
    std::vector<std::string> command; // what asks systemd and runit; empty: systemctl, sv
    io::Path folder;                  // runit's services; the logs and pids of plain processes
    io::Path socket;                  // supervisord's
    std::string login;
    Secret password;

    const UnitSettings* unit(std::string_view name) const;
};
// Letters, digits and @ . _ : -, and nothing that looks like an option or a path.
bool is_unit_name(std::string_view name);

struct Config {
    io::Path file; // where it was read
    std::string game, environment;
    io::Path state;
    io::Path key_file; // or
    Secret passphrase;
    std::vector<LocationSettings> locations;
    Duration grace = std::chrono::hours(24);  // between removing a snapshot and deleting its data
    std::map<std::string, KeepSettings> keep; // by type, for snapshots without a plan
    std::vector<ComponentSettings> components;
    std::vector<PlanSettings> plans;
    std::vector<AlertSettings> alerts;
    std::vector<ChainSettings> chains;
    std::vector<io::Path> runbooks; // folders, searched in order
    io::Path scratch;               // the folder that verify restores into
    std::vector<ScratchServer> scratch_servers;
    Duration keep_runs = std::chrono::hours(24 * 90);
    std::optional<JournalSettings> journal; // none: a file in the state folder
    std::optional<ServiceSettings> services;
    std::vector<std::string> warnings;

    const ComponentSettings* component(std::string_view name) const;
    const PlanSettings* plan(std::string_view name) const;
    const ScratchServer* scratch_server(std::string_view component) const;
};

enum class Strictness {
    strict,  // backup, check, config check, serve
    lenient, // list, restore, resume, runs: an unknown key is a warning
};

// --config, $RESPAWN_CONFIG, ./respawn.yaml, /etc/respawn/respawn.yaml: the first that is there.
// Kind::missing names all that were tried.
Result<io::Path> find_config(const std::optional<io::Path>& given);
// Relative paths are relative to the file's folder. The Error is the first one, with its position:
// "respawn.yaml:12:3: unknown key 'componets'; did you mean 'components'?". No error and no warning
// shows a secret. Lenient: what is wrong with an entry that is not essential (a plan, an alert, a
// component) is a warning, and the entry is left out; game, environment, state and vault have to be
// sound.
Result<Config> read_config(const io::Path& file, Strictness strictness);

// All known keys as a Markdown page (docs/reference/configuration.md), made from the table that checks
// them.
std::string configuration_reference();

} // namespace respawn::config
