#include "config/keys.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace respawn::config {

namespace {

using enum Type;
using enum Need;

constexpr Key keys[] = {
    { "", "game", text, required, "the game's name, as people and snapshots call it" },
    { "", "environment", text, required, "which of the game's worlds this is: production, staging" },
    { "", "state", path, essential,
      "respawn's journal and caches; `.respawn` beside the file if not given" },
    { "", "vault", section, required, "where backups go, and under which key" },
    { "", "components", section, required, "what to protect, by name" },
    { "", "plans", section, optional, "named selections of components" },
    { "", "alerts", section, optional, "where messages go, by name" },
    { "", "chains", section, optional, "EVM chains that runbooks may ask, by name" },
    { "", "runbooks", paths, optional,
      "folders of runbooks, searched in order before the shipped ones" },
    { "", "scratch", section, optional, "where verify and rehearse restore to" },
    { "", "journal", server, essential,
      "the record of runs on PostgreSQL, shared by several hosts; a file of this one's if not given" },
    { "", "keep_runs", duration, optional,
      "how long the records of runs that have ended stay in the journal; 90d if not given" },
    { "", "services", section, optional, "the game's services: what starts and stops them" },

    { "vault", "key_file", path, essential, "64 hex digits, mode 600: `openssl rand -hex 32`" },
    { "vault", "passphrase", secret, essential, "instead of `key_file`: what opens the vault" },
    { "vault", "locations", sections, required, "the places that each hold the whole vault" },
    { "vault", "grace", duration, optional,
      "how long the data of a removed snapshot stays, for `undelete`; 24h if not given" },
    { "vault", "keep", section, optional,
      "which snapshots without a plan to keep, by type; docs/keeping.md has what holds if not given" },
    { "vault.keep", "*", section, optional, "one type: manual, pre_update" },
    { "vault.keep.*", "hours", count, optional, "all of the last so many hours" },
    { "vault.keep.*", "days", count, optional, "all of the last so many days" },
    { "vault.keep.*", "hourly", count, optional, "one an hour, so many" },
    { "vault.keep.*", "daily", count, optional, "one a day, so many" },
    { "vault.keep.*", "weekly", count, optional, "one a week, so many" },
    { "vault.keep.*", "monthly", count, optional, "one a month, so many" },
    { "vault.keep.*", "yearly", count, optional, "one a year, so many" },
    { "vault.keep.*", "backups", count, optional, "never more than so many" },
    { "vault.keep.*", "bytes", count, optional, "never more than so many stored bytes" },
    { "vault.locations", "name", text, required, "what reports call it" },
    { "vault.locations", "url", location_url, required,
      "`file:///path`, a plain path, or `memory:NAME`" },
    { "vault.locations", "region", text, not_yet, "of an S3 bucket" },

    { "components", "*", section, optional, "one thing to protect" },
    { .section = "components.*",
      .name = "kind",
      .type = choice,
      .need = required,
      .doc = "what it is",
      .label = "component kind",
      .choices = "sqlite files mariadb postgres",
      .later = "redis" },
    { "components.*", "path", path, required, "the database file", "sqlite" },
    { "components.*", "paths", paths, required, "files and folders", "files" },
    { "components.*", "exclude", texts, optional,
      "shell patterns of what to leave out; without a `/` they match a name anywhere", "files" },
    { "components.*", "url", server_url, required,
      "the server, the login and the database; `?socket=/path` for a socket",
      "mariadb postgres redis" },
    { "components.*", "password", secret, optional, "of that login", "mariadb postgres redis" },
    { "components.*", "reader", server_url, optional,
      "a login that can only read, for what runbooks look up", "mariadb postgres" },
    { "components.*", "reader_password", secret, optional, "of that login", "mariadb postgres" },
    { .section = "components.*",
      .name = "tls",
      .type = choice,
      .doc = "`verify` checks certificate and host name, `required` only encrypts; if not given: `off` "
             "on this machine, `verify` elsewhere",
      .kinds = "mariadb postgres",
      .label = "use of TLS",
      .choices = "verify required off" },
    { "components.*", "tls_ca", path, optional,
      "certificates that sign the server's; the system's if not given", "mariadb postgres" },

    { "components.*", "rules", sections, optional,
      "what its rows have to hold: said of backups, verified, and asked of what replaces live data",
      "sqlite mariadb postgres" },
    { "components.*.rules", "table", text, optional, "the table, with `column`" },
    { "components.*.rules", "column", text, optional,
      "the column; an empty cell (NULL) breaks no rule" },
    { "components.*.rules", "min", number, optional, "no number below this one" },
    { "components.*.rules", "max", number, optional, "no number above this one" },
    { "components.*.rules", "between", numbers, optional,
      "`[least, most]`: of the column, or of what `sql` gives" },
    { "components.*.rules", "pattern", Type::pattern, optional, "each text has to match this" },
    { "components.*.rules", "not_after", moment, optional,
      "no time after this one (a day is allowed past `now`): texts, or seconds, milliseconds or "
      "microseconds since 1970" },
    { "components.*.rules", "sql", text, optional,
      "instead of `table` and `column`: a question to the backup, with `equals` or `between`" },
    { "components.*.rules", "equals", value, optional, "what `sql` has to give" },

    { "plans", "*", section, optional, "one plan" },
    { "plans.*", "components", Type::components, required, "`all`, or names of components" },
    { .section = "plans.*",
      .name = "type",
      .type = choice,
      .doc = "the label of its snapshots; `manual` if not given",
      .label = "plan type",
      .choices = snapshot_types },
    { "plans.*", "tables", texts, optional,
      "the tables to take of databases on servers; a SQLite database is taken whole" },
    { "plans.*", "at", time_of_day, optional, "when it runs every day, UTC" },
    { "plans.*", "every", period, optional, "how often it runs, instead of `at`" },
    { "plans.*", "keep", section, optional, "which of its snapshots to keep; all if not given" },
    { "plans.*", "checks", sections, optional, "what `verify` asks a restored copy" },
    { "plans.*.keep", "hours", count, optional, "all of the last so many hours" },
    { "plans.*.keep", "days", count, optional, "all of the last so many days" },
    { "plans.*.keep", "hourly", count, optional, "one an hour, so many" },
    { "plans.*.keep", "daily", count, optional, "one a day, so many" },
    { "plans.*.keep", "weekly", count, optional, "one a week, so many" },
    { "plans.*.keep", "monthly", count, optional, "one a month, so many" },
    { "plans.*.keep", "yearly", count, optional, "one a year, so many" },
    { "plans.*.keep", "backups", count, optional, "never more than so many" },
    { "plans.*.keep", "incremental", count, optional,
      "all of its `incremental` snapshots of the last so many days; 1 if not given" },
    { "plans.*.keep", "bytes", count, optional, "never more than so many stored bytes" },

    { "plans.*.checks", "name", text, required, "what reports call it" },
    { "plans.*.checks", "component", text, optional, "the database; the only one if not given" },
    { "plans.*.checks", "sql", text, required,
      "a question whose first cell counts, in the SQL of the database" },
    { "plans.*.checks", "equals", value, optional, "what it has to be; or" },
    { "plans.*.checks", "between", numbers, optional, "`[least, most]`; or" },
    { "plans.*.checks", "within", share, optional,
      "how far it may be from what the last backup before has" },

    { "alerts", "*", section, optional, "one place for messages" },
    { .section = "alerts.*",
      .name = "kind",
      .type = choice,
      .need = required,
      .doc = "what it is; a webhook sends what Discord and Slack understand as well",
      .label = "alert kind",
      .choices = "file webhook",
      .later = "discord slack alertmanager" },
    { "alerts.*", "path", path, required, "the file that gets a line of JSON a message", "file" },
    { "alerts.*", "url", secret, required, "where messages are posted",
      "webhook discord slack alertmanager" },

    { "chains", "*", section, optional, "one chain" },
    { "chains.*", "urls", endpoints, required,
      "its JSON-RPC endpoints; all are asked, and have to agree" },
    { "chains.*", "chain_id", depth, optional,
      "the number the endpoints have to give for the chain: 8453 is Base" },
    { "chains.*", "confirmations", depth, optional,
      "how many blocks deep something has to be to count; 12 if not given" },
    { "chains.*", "addresses", section, optional, "addresses that runbooks use, by name" },
    { "chains.*.addresses", "*", address, optional, "one address" },

    { "scratch", "folder", path, optional, "for files and SQLite; the state folder if not given" },
    { "scratch", "*", server, optional,
      "the server that copies of this component (of kind mariadb) are made on" },
    { "scratch.*", "url", server_url, required,
      "`mysql://LOGIN@HOST:PORT/`, without a database; `?socket=/path` for a socket" },
    { "scratch.*", "password", secret, optional, "of that login" },
    { .section = "scratch.*",
      .name = "tls",
      .type = choice,
      .doc = "as a component's",
      .label = "use of TLS",
      .choices = "verify required off" },
    { "scratch.*", "tls_ca", path, optional, "as a component's" },
    { "scratch.*", "most", size, optional,
      "the largest backup to be copied there; required where the server is the component's own" },

    { "journal", "url", server_url, required,
      "`postgres://LOGIN@HOST:PORT/DATABASE`; `?socket=/path` for a socket" },
    { "journal", "password", secret, essential, "of that login" },
    { .section = "journal",
      .name = "tls",
      .type = choice,
      .need = essential,
      .doc = "as a component's",
      .label = "use of TLS",
      .choices = "verify required off" },
    { "journal", "tls_ca", path, essential, "as a component's" },
    { "journal", "lease", duration, essential,
      "a host that was silent for this long is taken to be dead, and its runs may be resumed "
      "elsewhere; 30s if not given" },

    { .section = "services",
      .name = "manager",
      .type = choice,
      .need = required,
      .doc = "what starts and stops them",
      .label = "service manager",
      .choices = "systemd supervisord runit process" },
    { "services", "units", texts, required,
      "all services of the game, as their manager calls them; they start in this order, but what one "
      "`needs` starts before it" },
    { "services", "core", texts, optional, "those that keep running in safe mode" },
    { "services", "command", texts, optional,
      "the program that asks the manager, with its first arguments: `[sudo, -n, systemctl]`; "
      "`systemctl` or `sv` if not given",
      "systemd runit" },
    { "services", "folder", path, optional,
      "runit's services, `/etc/service` if not given; of plain processes, the pids and logs: "
      "`services` in the state folder if not given",
      "runit process" },
    { "services", "socket", path, optional,
      "supervisord's Unix socket; `/run/supervisor.sock` if not given", "supervisord" },
    { "services", "login", text, optional, "of that socket, where it asks for one", "supervisord" },
    { "services", "password", secret, optional, "of that login", "supervisord" },
    { "services", "*", section, optional, "more about one of the units, by its name" },
    { "services.*", "needs", texts, optional, "units that have to run before it does" },
    { "services.*", "health", section, optional,
      "how to tell that it does its work: one of `url`, `tcp` and `command`" },
    { "services.*", "start_within", duration, optional,
      "how long it may take until it runs and is healthy; 60s if not given" },
    { "services.*", "settle", duration, optional,
      "for how long it has to stay up to count as started; 2s if not given" },
    { "services.*", "stop_within", duration, optional,
      "how long it may take to stop; 60s if not given" },
    { "services.*", "kill_after", duration, optional,
      "a unit that has not stopped by then is killed (SIGKILL); never if not given" },
    { "services.*", "command", texts, optional, "the program and its arguments", "process" },
    { "services.*", "folder", path, optional, "where it is started; beside this file if not given",
      "process" },
    { "services.*", "log", path, optional,
      "what gets its output; `NAME.log` in the folder of the services if not given", "process" },
    { "services.*.health", "url", text, optional, "an http(s) URL that answers with 2xx" },
    { "services.*.health", "tcp", text, optional, "`HOST:PORT` that takes a connection" },
    { "services.*.health", "command", texts, optional, "a program that ends with 0, within 10 s" },
};

constexpr std::array type_texts = {
    "a section",
    "a list of sections",
    "a text",
    "a path",
    "a path, or a list of paths",
    "a text, or a list of texts",
    "all, or a list of components",
    "a word",
    "a whole number, 0 or more",
    "a whole number, 1 or more",
    "a time of day (\"02:00\")",
    "hourly, daily, weekly, or a duration (\"15m\", \"6h\")",
    "a duration (\"24h\", \"7d\")",
    "a location (file:///path)",
    "a server (scheme://user@host:port/name)",
    "a secret's reference (${env:NAME} or ${file:PATH})",
    "an http(s) URL or a secret's reference, or a list of them",
    "an address (0x and 40 hex digits)",
    "a number or a text",
    "a number",
    "a list of two numbers ([0, 100])",
    "a share (10%)",
    "a pattern (POSIX extended: \"^0x[0-9a-f]{40}$\")",
    "now, or a moment (\"2026-11-21T10:34:05Z\")",
    "a size (20 GiB)",
    "a server (scheme://user@host:port/), or a section with its url",
};
static_assert(type_texts.size() == static_cast<std::size_t>(server) + 1);

} // namespace

std::span<const Key> all_keys() { return keys; }

std::string_view type_text(Type type) { return type_texts[static_cast<std::size_t>(type)]; }

const Key* find_key(std::string_view section, std::string_view name) {
    const Key* any = nullptr;
    for (const auto& key : keys) {
        if (key.section != section)
            continue;
        if (key.name == name)
            return &key;
        if (key.name == "*")
            any = &key;
    }
    return any;
}

std::vector<std::string> words_of(std::string_view list) {
    std::vector<std::string> words;
    for (const auto word : split(list, ' '))
        if (!word.empty())
            words.emplace_back(word);
    return words;
}

bool has_kind(const Key& key, std::string_view kind) {
    const auto kinds = words_of(key.kinds);
    return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

} // namespace respawn::config
