#include "service/health.h"

#include "base/text.h"
#include "io/file.h"
#include "io/http.h"
#include "service/ask.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

namespace respawn::service {

namespace {

constexpr Duration longest_answer = std::chrono::seconds(10);
constexpr int longest_connect_milliseconds = 3000;

std::string illness_of_url(const std::string& url) {
    const auto answer = io::send({ .url = Secret("health", url),
                                   .shown = io::origin_of(url),
                                   .deadline = longest_answer,
                                   .most_attempts = 1 });
    if (!answer.ok())
        return answer.error().why;
    const auto status = answer.value().status;
    return status >= 200 && status < 300 ? ""
                                         : fmt::format("{} answers {}", io::origin_of(url), status);
}

bool takes_connection(const addrinfo& address) {
    const io::Descriptor socket(
        ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.open())
        return false;
    if (::connect(socket.number(), address.ai_addr, address.ai_addrlen) == 0)
        return true;
    pollfd ready{ .fd = socket.number(), .events = POLLOUT };
    if (errno != EINPROGRESS || ::poll(&ready, 1, longest_connect_milliseconds) != 1)
        return false;
    int fault = 0;
    socklen_t size = sizeof fault;
    return ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &fault, &size) == 0 && fault == 0;
}

std::string illness_of_port(const std::string& place) {
    const auto colon = place.rfind(':');
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(place.substr(0, colon).c_str(), place.substr(colon + 1).c_str(), &hints,
                      &found) != 0)
        return fmt::format("{} is not known", printable(place));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
    for (const auto* address = all.get(); address != nullptr; address = address->ai_next)
        if (takes_connection(*address))
            return "";
    return fmt::format("{} takes no connection", printable(place));
}

std::string illness_of_command(const std::vector<std::string>& command) {
    const auto ended = ask_program(command, {}, longest_answer);
    if (!ended.ok())
        return ended.error().why;
    return ended.value().status == 0 ? ""
                                     : fmt::format("{} ended with {}: {}", printable(command.front()),
                                                   ended.value().status, said_by(ended.value()));
}

} // namespace

std::string find_illness(const config::HealthSettings& health) {
    if (!health.url.empty())
        return illness_of_url(health.url);
    if (!health.tcp.empty())
        return illness_of_port(health.tcp);
    return health.command.empty() ? "" : illness_of_command(health.command);
}

} // namespace respawn::service
