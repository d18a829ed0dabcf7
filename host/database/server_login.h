// A login on a database server, as the configuration names it.
#pragma once

#include "config/config.h"

#include <optional>

namespace respawn::database {

enum class Tls {
    off,
    required, // encrypted; the certificate is not looked at
    verify,   // and the certificate is the host's
};

struct Login {
    std::string host; // empty with a socket
    unsigned port = 0;
    std::string socket; // a path; for PostgreSQL the folder it lies in
    std::string user, database;
    Secret password;
    Tls tls = Tls::verify;
    io::Path certificates; // who may sign the server's; empty: the system's

    // "wox_backup at db.example:3306/wizards_of_x": for messages.
    std::string text() const;
};

struct ServerKind {
    std::string_view name; // "MariaDB"
    std::vector<std::string_view> schemes;
    unsigned port = 0;
};

// The logins of `url` and, where there is one, of `reader`. Kind::usage says what is wrong with a URL.
Result<Login> writing_login(const config::ComponentSettings& settings, const ServerKind& server);
Result<std::optional<Login>> reading_login(const config::ComponentSettings& settings,
                                           const ServerKind& server);

// Of a scratch server: its URL names no database.
Result<Login> scratch_login(const config::ComponentSettings& settings, const ServerKind& server);
bool is_on_this_machine(const Login& login);

} // namespace respawn::database
