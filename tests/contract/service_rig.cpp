#include "contract/service_rig.h"

#include "service/moves.h"
#include "service/processes.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace respawn::testing {

namespace {

using config::ServiceSettings;

const std::vector<std::string> names = { "game-engine", "elizaos", "payment-processor" };

ServiceSettings settings_for(const std::string& manager, int first_port) {
    ServiceSettings settings{ .manager = manager };
    for (const auto& name : names)
        settings.units.push_back(
            { .name = name,
              .health = { .url = fmt::format("http://127.0.0.1:{}/", first_port++) },
              .start_within = std::chrono::seconds(20),
              .settle = std::chrono::seconds(1),
              .stop_within = std::chrono::seconds(20) });
    return settings;
}

// Free a moment ago, and the two behind it most likely.
int some_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(socket);
    return std::min<int>(ntohs(address.sin_port), 65000);
}

io::Path prepared(const io::Path& folder) {
    for (const auto mode : { "fail", "dies", "stubborn", "www" })
        REQUIRE(io::make_folder(folder / mode).ok());
    return folder;
}

std::unique_ptr<ServiceRig> open_supervisord_rig() {
    auto server = std::make_unique<OwnServer>("supervisord");
    auto settings = settings_for("supervisord", std::stoi(server->variables().at("PORT")));
    settings.socket = server->variables().at("SOCKET");
    settings.login = server->variables().at("USER");
    settings.password = Secret("test", server->variables().at("PASSWORD"));
    const auto folder = server->folder();
    return std::make_unique<ServiceRig>(settings, folder, std::move(server), std::nullopt);
}

std::unique_ptr<ServiceRig> open_runit_rig() {
    auto server = std::make_unique<OwnServer>("runit");
    auto settings = settings_for("runit", std::stoi(server->variables().at("PORT")));
    settings.folder = server->variables().at("DIR");
    const auto folder = server->folder();
    return std::make_unique<ServiceRig>(settings, folder, std::move(server), std::nullopt);
}

std::unique_ptr<ServiceRig> open_process_rig() {
    auto place = io::TemporaryFolder::make().value();
    int port = some_port();
    auto settings = settings_for("process", port);
    settings.folder = place.path() / "services";
    for (auto& unit : settings.units) {
        unit.command = { std::string(SERVER_SCRIPTS) + "/unit.sh", place.path().string(), unit.name,
                         std::to_string(port++) };
        unit.folder = place.path();
    }
    const auto folder = prepared(place.path());
    return std::make_unique<ServiceRig>(settings, folder, nullptr, std::move(place));
}

// Not a systemd: what it answers was recorded.
std::unique_ptr<ServiceRig> open_recorded_systemd_rig() {
    auto place = io::TemporaryFolder::make().value();
    int port = some_port();
    auto settings = settings_for("systemd", port);
    settings.command = { std::string(SERVER_SCRIPTS) + "/recorded_systemctl", place.path().string() };
    std::string units;
    for (const auto& name : names)
        units += fmt::format("{} {}\n", name, port++);
    REQUIRE(io::replace_durably(place.path() / "units", units).ok());
    const auto folder = prepared(place.path());
    return std::make_unique<ServiceRig>(settings, folder, nullptr, std::move(place));
}

} // namespace

ServiceRig::ServiceRig(ServiceSettings settings, io::Path folder, std::unique_ptr<OwnServer> server,
                       std::optional<io::TemporaryFolder> place)
    : settings_(std::move(settings)), folder_(std::move(folder)), server_(std::move(server)),
      place_(std::move(place)), manager_(service::open_manager(settings_).value()) {}

ServiceRig::~ServiceRig() {
    for (const auto& one : settings_.units)
        if (!server_) {
            (void)manager_->kill(one);
            (void)service::stop(*manager_, one, Cancellation());
        }
}

config::UnitSettings ServiceRig::unit(std::string_view name) const {
    const auto* found = settings_.unit(name);
    if (found)
        return *found;
    auto other = settings_.units.front();
    other.name = name;
    return other;
}

void ServiceRig::make(const std::string& name, const std::string& mode) const {
    REQUIRE(io::replace_durably(folder_ / mode / name, "").ok());
}

std::vector<ServiceRigKind> service_rigs() {
    return { { "supervisord", open_supervisord_rig },
             { "runit", open_runit_rig },
             { "process", open_process_rig },
             { "systemd, recorded", open_recorded_systemd_rig } };
}

} // namespace respawn::testing
