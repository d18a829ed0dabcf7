#include "database/server_login.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::database {

namespace {

constexpr auto none = std::string_view::npos;

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// %2F and the like; a '%' that begins none stays.
std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                            hex_digit(text[i + 2]) >= 0;
        plain +=
            escape ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
        i += escape ? 2 : 0;
    }
    return plain;
}

Error bad_url(const config::ComponentSettings& settings, const ServerKind& server, std::string_view url,
              std::string_view why) {
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("component {}: {} in '{}'", settings.name, why, printable(url)),
                  .fix = fmt::format("write {}://USER@HOST:{}/DATABASE, or "
                                     "{}://USER@/DATABASE?socket=/PATH",
                                     server.schemes.front(), server.port, server.schemes.front()) };
}

// Empty when it is sound, else what is wrong.
std::string_view take_host(std::string_view text, Login& login) {
    auto port = none;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == none)
            return "a ']' is missing";
        login.host = text.substr(1, end - 1);
        port = end + 1 < text.size() ? end + 1 : none;
    } else {
        port = text.find(':');
        login.host = decoded(text.substr(0, port));
    }
    if (port == none)
        return {};
    const auto digits = text.substr(port + 1);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), login.port);
    const bool sound = fault == std::errc() && end == digits.data() + digits.size() &&
                       text[port] == ':' && login.port > 0 && login.port < 65536;
    return sound ? "" : "the port is no number from 1 to 65535";
}

std::string_view take_options(std::string_view text, Login& login) {
    for (const auto option : split(text, '&')) {
        if (!option.starts_with("socket=/"))
            return "there is an unknown option (known is socket=/PATH)";
        login.socket = decoded(option.substr(option.find('=') + 1));
    }
    return {};
}

enum class Naming { database, no_database };

std::string_view take_database(std::string_view text, Naming naming, Login& login) {
    if (text.empty() != (naming == Naming::no_database) || text.find('/') != none)
        return naming == Naming::database ? "the database is not named"
                                          : "a scratch server has no database of its own";
    login.database = decoded(text);
    return {};
}

std::string_view take_url(std::string_view url, const ServerKind& server, Naming naming, Login& login) {
    const auto scheme = url.find("://");
    if (scheme == none ||
        std::ranges::find(server.schemes, url.substr(0, scheme)) == server.schemes.end())
        return "the scheme is another server's";
    url.remove_prefix(scheme + 3);
    if (const auto options = url.find('?'); options != none) {
        if (const auto wrong = take_options(url.substr(options + 1), login); !wrong.empty())
            return wrong;
        url = url.substr(0, options);
    }
    const auto slash = url.find('/');
    const auto name = slash == none ? std::string_view() : url.substr(slash + 1);
    if (const auto wrong = take_database(name, naming, login); !wrong.empty())
        return wrong;
    const auto at = url.substr(0, slash).rfind('@');
    if (at == none || at == 0)
        return "the user is not named";
    login.user = decoded(url.substr(0, at));
    if (const auto wrong = take_host(url.substr(at + 1, slash - at - 1), login); !wrong.empty())
        return wrong;
    if (login.host.empty() == login.socket.empty())
        return "there has to be a host or a socket, and not both";
    return {};
}

Tls tls_of(const config::ComponentSettings& settings, const Login& login) {
    if (settings.tls == "verify" || settings.tls == "required")
        return settings.tls == "verify" ? Tls::verify : Tls::required;
    return settings.tls == "off" || is_on_this_machine(login) ? Tls::off : Tls::verify;
}

Result<Login> login_of(const config::ComponentSettings& settings, const ServerKind& server,
                       std::string_view url, const Secret& password, Naming naming = Naming::database) {
    Login login{ .host = {}, .port = server.port, .socket = {}, .user = {}, .database = {} };
    if (const auto wrong = take_url(url, server, naming, login); !wrong.empty())
        return bad_url(settings, server, url, wrong);
    for (const auto* text : { &login.host, &login.socket, &login.user, &login.database })
        if (text->find('\0') != std::string::npos)
            return bad_url(settings, server, url, "there is a zero byte");
    login.password = password;
    login.tls = tls_of(settings, login);
    login.certificates = settings.tls_ca;
    return login;
}

} // namespace

std::string Login::text() const {
    const auto where = host.empty() ? socket : fmt::format("{}:{}", host, port);
    return printable(fmt::format("{} at {}/{}", user, where, database));
}

Result<Login> writing_login(const config::ComponentSettings& settings, const ServerKind& server) {
    return login_of(settings, server, settings.url, settings.password);
}

Result<Login> scratch_login(const config::ComponentSettings& settings, const ServerKind& server) {
    return login_of(settings, server, settings.url, settings.password, Naming::no_database);
}

bool is_on_this_machine(const Login& login) {
    return login.host.empty() || login.host == "localhost" || login.host == "::1" ||
           login.host.starts_with("127.");
}

Result<std::optional<Login>> reading_login(const config::ComponentSettings& settings,
                                           const ServerKind& server) {
    if (settings.reader.empty())
        return std::optional<Login>();
    auto login = TRY(login_of(settings, server, settings.reader, settings.reader_password));
    const auto writer = TRY(writing_login(settings, server));
    if (login.database != writer.database || login.host != writer.host || login.port != writer.port ||
        login.socket != writer.socket)
        return bad_url(settings, server, settings.reader,
                       "the reader is of another server or database than 'url'");
    return std::optional<Login>(std::move(login));
}

} // namespace respawn::database
