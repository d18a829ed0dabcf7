#include "contract/servers.h"

#include "base/text.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <sys/stat.h>

namespace respawn::testing {

namespace {

void run_script(const std::string& name, const std::string& arguments, const io::Path& log) {
    const auto command =
        std::string(SERVER_SCRIPTS) + "/" + name + ".sh " + arguments + " > " + log.string() + " 2>&1";
    const bool done = std::system(command.c_str()) == 0;
    INFO(command << "\n" << (io::is_there(log) ? io::read_file(log).value() : ""));
    REQUIRE(done);
}

// Lines of `export NAME_PORT=13306`; nothing in them needs quotes here.
Variables read_variables(const io::Path& folder) {
    Variables variables;
    const auto text = io::read_file(folder / "env").value();
    for (const auto line : split(text, '\n')) {
        const auto name = line.find('_'), value = line.find('=');
        if (name < value && value != std::string_view::npos)
            variables[std::string(line.substr(name + 1, value - name - 1))] = line.substr(value + 1);
    }
    return variables;
}

} // namespace

OwnServer::OwnServer(std::string name, std::string options)
    : name_(std::move(name)), options_(std::move(options)),
      place_(io::TemporaryFolder::make().value()) {
    ::chmod(place_->path().c_str(), 0711); // it runs as a user of its own
    start();
}

OwnServer::~OwnServer() {
    const auto command = std::string(SERVER_SCRIPTS) + "/" + name_ + ".sh crash " + folder().string() +
                         " > /dev/null 2>&1";
    if (std::system(command.c_str()) != 0)
        WARN("could not stop " << name_ << " in " << folder());
}

io::Path OwnServer::folder() const { return place_->path() / name_; }

void OwnServer::crash() const {
    run_script(name_, "crash " + folder().string(), place_->path() / "log");
}

void OwnServer::start() {
    run_script(name_, "start " + folder().string() + " " + options_, place_->path() / "log");
    variables_ = read_variables(folder());
}

namespace {

OwnServer& own_server(const std::string& name) {
    static std::map<std::string, std::unique_ptr<OwnServer>> own;
    auto& server = own[name];
    if (!server)
        server = std::make_unique<OwnServer>(name, "--tls");
    return *server;
}

} // namespace

io::Path shared_folder(const std::string& name) {
    if (const auto at = io::read_file(SERVERS_AT); at.ok())
        if (const auto folder = io::Path(std::string(trimmed(at.value()))) / name;
            io::is_there(folder / "env"))
            return folder;
    return own_server(name).folder();
}

const Variables& shared_server(const std::string& name) {
    static std::map<std::string, Variables> known;
    if (const auto found = known.find(name); found != known.end())
        return found->second;
    return known[name] = read_variables(shared_folder(name));
}

} // namespace respawn::testing
