// A folder, a vault and a component's state, for tests.
#pragma once

#include "base/text.h"
#include "component/component.h"
#include "location/locations.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rig {

using namespace respawn;
using component::Component;
using component::Work;
using vault::ComponentRecord;
namespace fs = std::filesystem;

// The value, or a failed test that shows the error.
template <class T> T must(Result<T> result) {
    if (!result.ok())
        FAIL(result.error().what << " / " << result.error().why << " / " << result.error().fix);
    return std::move(result).value();
}
inline void must(Result<void> result) {
    if (!result.ok())
        FAIL(result.error().what << " / " << result.error().why << " / " << result.error().fix);
}

// In memory where the system has such a place: for tests that make things durable hundreds of times.
inline io::Path quick_folder() { return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ""; }

struct Place {
    explicit Place(const io::Path& parent = {}) : folder(must(io::TemporaryFolder::make(parent))) {}
    io::TemporaryFolder folder;
    Cancellation cancel;
    crypto::Key vault_key = crypto::Key::random();
    std::unique_ptr<vault::Vault> vault = must(vault::Vault::create(
        must(location::open_location("file://" + (folder.path() / "vault").string())), vault_key,
        folder.path() / "vault-cache"));
    Work work{ .cancel = cancel, .state = folder.path() / "state" };

    io::Path path(std::string_view name) const { return folder.path() / name; }
    ComponentRecord back_up(Component& component) {
        auto writer = must(vault->begin_backup());
        auto record = must(component.back_up(writer, work));
        must(writer.finish({ .game = "g", .started = now(), .components = { record } }));
        return record;
    }
};

inline void write(const io::Path& path, std::string_view bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}
inline std::string read(const io::Path& path) { return must(io::read_file(path)); }

// A connection as the game would have one.
struct Game {
    sqlite3* connection = nullptr;
    explicit Game(const io::Path& path) {
        REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK);
    }
    Game(const Game&) = delete;
    ~Game() { sqlite3_close_v2(connection); }
    void run(const std::string& sql) {
        char* why = nullptr;
        const int code = sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &why);
        INFO((why ? why : "") << " in " << sql);
        REQUIRE(code == SQLITE_OK);
    }
    std::int64_t number(const std::string& sql) {
        std::int64_t found = -1;
        const auto take = [](void* of, int, char** values, char**) {
            *static_cast<std::int64_t*>(of) = values[0] ? std::atoll(values[0]) : 0;
            return 0;
        };
        REQUIRE(sqlite3_exec(connection, sql.c_str(), take, &found, nullptr) == SQLITE_OK);
        return found;
    }
};

// What `sqlite3 FILE .dump` prints.
inline std::string dump(const io::Path& database) {
    const auto command = "sqlite3 '" + database.string() + "' .dump 2>&1";
    auto* pipe = ::popen(command.c_str(), "r");
    std::string text, buffer(65536, '\0');
    for (std::size_t got; (got = ::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        text.append(buffer, 0, got);
    REQUIRE(::pclose(pipe) == 0);
    return text;
}

} // namespace rig
