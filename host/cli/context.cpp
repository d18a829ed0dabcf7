#include "cli/output.h"
#include "cli/verb.h"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

namespace respawn::cli {

namespace {

// Runbooks, stdlib and the worker lie beside the program's own tree: build/release/respawn in a
// checkout, or PREFIX/bin/respawn with PREFIX/share/respawn.
io::Path own_folder() {
    std::error_code fault;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", fault);
    return fault ? io::Path(".") : program.parent_path();
}

// Whom the kernel saw log in, whoever they have become since; nobody in a container or a service.
std::optional<uid_t> login_user() {
    const auto text = io::read_file("/proc/self/loginuid");
    if (!text.ok())
        return std::nullopt;
    const auto number = std::strtoul(text.value().c_str(), nullptr, 10);
    return number < 4294967295UL ? std::optional(static_cast<uid_t>(number)) : std::nullopt;
}

std::string name_of_user(uid_t user) {
    const auto* entry = ::getpwuid(user);
    return entry ? entry->pw_name : std::to_string(user);
}

io::Path shipped(std::string_view name) {
    for (const auto& root :
         { own_folder() / "../share/respawn", own_folder() / "../..", own_folder() / ".." })
        if (std::filesystem::is_directory(root / name))
            return (root / name).lexically_normal();
    return {};
}

} // namespace

Result<config::Config> Context::config(config::Strictness strictness) const {
    std::optional<io::Path> given;
    if (typed.has("--config"))
        given = typed.value("--config");
    auto read = TRY(config::read_config(TRY(config::find_config(given)), strictness));
    for (const auto& warning : read.warnings)
        tell("warning: " + warning);
    return read;
}

Result<run::Game> Context::game(config::Strictness strictness) const {
    return run::Game(TRY(config(strictness)));
}

run::Folders Context::folders(const config::Config& config) const {
    run::Folders folders;
    folders.runbooks = config.runbooks;
    if (folders.runbooks.empty() && std::filesystem::is_directory("runbooks"))
        folders.runbooks.push_back(std::filesystem::absolute("runbooks"));
    if (const auto folder = shipped("runbooks"); !folder.empty())
        folders.runbooks.push_back(folder);
    if (const auto folder = shipped("stdlib"); !folder.empty())
        folders.stdlib.push_back(folder);
    return folders;
}

std::string operator_name() {
    if (const auto login = login_user())
        return name_of_user(*login);
    const char* behind_sudo = ::getenv("SUDO_USER");
    if (::getuid() == 0 && behind_sudo && *behind_sudo) // anybody else may set it to what they like
        return behind_sudo;
    return name_of_user(::getuid());
}

} // namespace respawn::cli
