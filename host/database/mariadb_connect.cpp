#include "database/mariadb_connect.h"

#include "base/text.h"
#include "database/mariadb_errors.h"

#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <mysql.h>

namespace respawn::database {

namespace {

// What a debian system trusts.
constexpr auto system_certificates = "/etc/ssl/certs/ca-certificates.crt";
constexpr unsigned long most_row_bytes = 64UL << 20, most_bytes_of_a_table_row = 1UL << 30;

void set_tls(MYSQL* handle, const Login& login) {
    my_bool yes = 1;
    if (login.tls == Tls::off)
        return;
    mysql_optionsv(handle, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (login.tls == Tls::required)
        return;
    const auto given = login.certificates.string();
    mysql_optionsv(handle, MYSQL_OPT_SSL_CA, given.empty() ? system_certificates : given.c_str());
    mysql_optionsv(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

// The client's own deadline is a little later than the server's, which can say what it waited for.
void set_options(MYSQL* handle, const Login& login, const Patience& patience, Use use) {
    unsigned protocol = login.host.empty() ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned connecting = whole_seconds(patience.connecting);
    unsigned answering = whole_seconds(patience.statement + std::chrono::seconds(10));
    unsigned local = 0;
    unsigned long longest = use == Use::whole_tables ? most_bytes_of_a_table_row : most_row_bytes;
    my_bool truth = 1;
    mysql_optionsv(handle, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_optionsv(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connecting);
    mysql_optionsv(handle, MYSQL_OPT_READ_TIMEOUT, &answering);
    mysql_optionsv(handle, MYSQL_OPT_WRITE_TIMEOUT, &answering);
    mysql_optionsv(handle, MYSQL_OPT_LOCAL_INFILE, &local);
    mysql_optionsv(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &longest);
    mysql_optionsv(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_optionsv(handle, MYSQL_REPORT_DATA_TRUNCATION, &truth);
    set_tls(handle, login);
}

} // namespace

unsigned whole_seconds(Duration span) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(span).count();
    return static_cast<unsigned>(std::max<std::int64_t>(1, seconds));
}

bool is_mariadb(MYSQL* handle) {
    return std::strstr(mysql_get_server_info(handle), "MariaDB") != nullptr;
}

Error mariadb_error(const Login& login, bool is_mariadb, unsigned code, const char* text) {
    return { .kind = mariadb_problem(code).kind,
             .why = fmt::format("{} says to {}: {} ({})", is_mariadb ? "MariaDB" : "MySQL",
                                login.text(), printable(text), code),
             .fix = std::string(mariadb_problem(code).fix) };
}

Result<MYSQL*> connect_mariadb(const Login& login, const Patience& patience, Use use) {
    static std::once_flag once; // the library itself is not begun by several threads at once
    std::call_once(once, [] { mysql_server_init(0, nullptr, nullptr); });
    auto* handle = mysql_init(nullptr);
    if (!handle)
        return Error{ .kind = Kind::io, .why = "there is no memory for a connection" };
    set_options(handle, login, patience, use);
    const std::string password(login.password.reveal());
    if (!mysql_real_connect(handle, login.host.empty() ? nullptr : login.host.c_str(),
                            login.user.c_str(), password.c_str(), login.database.c_str(), login.port,
                            login.host.empty() ? login.socket.c_str() : nullptr, CLIENT_FOUND_ROWS)) {
        auto error = mariadb_error(login, true, mysql_errno(handle), mysql_error(handle));
        mysql_close(handle);
        return error;
    }
    if (login.tls != Tls::off && !mysql_get_ssl_cipher(handle)) {
        mysql_close(handle);
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("the connection as {} is not encrypted", login.text()),
                      .fix = "switch on TLS at the server" };
    }
    return handle;
}

} // namespace respawn::database
