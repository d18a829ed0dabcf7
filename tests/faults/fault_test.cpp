#include "location/locations.h"
#include "vault/vault.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

using namespace respawn;

namespace {

// In memory where the system has such a place: these tests kill processes, not the power, and thousands
// of real syncs take minutes.
io::TemporaryFolder quick_folder() {
    const io::Path memory = "/dev/shm";
    return io::TemporaryFolder::make(io::is_there(memory) ? memory : io::Path()).value();
}

// A vault in a folder, a file to back up, and the victim that does it.
struct Scene {
    io::TemporaryFolder folder = quick_folder();
    std::string vault = (folder.path() / "vault").string();
    std::string cache = (folder.path() / "cache").string();
    std::string key_file = (folder.path() / "key").string();
    std::string file = (folder.path() / "file").string();
    std::string error_file = (folder.path() / "stderr").string();
    crypto::Key key = crypto::make_key_file(key_file).value();

    void write(std::string_view bytes) { REQUIRE(io::replace_durably(file, bytes).ok()); }

    // The wait status of a run of the victim with these settings.
    int run(const std::vector<std::string>& settings) {
        std::vector<std::string> environment = settings;
        environment.push_back("LD_PRELOAD=" FAULT_LAYER);
        std::vector<std::string> words{ FAULT_VICTIM, vault, key_file, cache, file };
        std::vector<char*> arguments, variables;
        for (auto& word : words)
            arguments.push_back(word.data());
        for (auto& variable : environment)
            variables.push_back(variable.data());
        arguments.push_back(nullptr);
        variables.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                         0600);
        pid_t child = 0;
        REQUIRE(posix_spawn(&child, FAULT_VICTIM, &actions, nullptr, arguments.data(),
                            variables.data()) == 0);
        posix_spawn_file_actions_destroy(&actions);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        return status;
    }

    int calls_of_one_run() {
        const auto count = folder.path() / "count";
        REQUIRE(run({ "FAULT_COUNT_FILE=" + count.string() }) == 0);
        return std::stoi(io::read_file(count).value());
    }

    Result<std::unique_ptr<vault::Vault>> open() {
        return vault::Vault::open(location::open_location(vault).value(), key, cache);
    }

    void check() {
        const auto report = open().value()->check(vault::CheckDepth::read_data, Cancellation()).value();
        for (const auto& damage : report.damage)
            UNSCOPED_INFO(damage.object << ": " << damage.why);
        REQUIRE(report.damage.empty());
    }

    std::string newest() {
        const auto opened = open().value();
        const auto last = opened->snapshots().value().back();
        const auto tree = opened->tree(last.components.at(0).tree).value();
        io::TextSink sink;
        REQUIRE(opened->read(tree.at(0).content, sink).ok());
        return sink.take();
    }

    std::size_t snapshots() {
        const auto opened = open();
        return opened.ok() ? opened.value()->snapshots().value().size() : 0;
    }
};

// After a fault: what was there is sound, and the next backup brings the new.
void must_recover(Scene& scene, std::size_t snapshots_before, std::string_view bytes) {
    if (scene.open().ok())
        scene.check();
    REQUIRE(scene.snapshots() >= snapshots_before);
    REQUIRE(scene.run({}) == 0);
    scene.check();
    REQUIRE(scene.newest() == bytes);
}

// Runs a backup with a fault at every call, each time against a fresh copy of the same beginning.
void at_every_call(bool first_backup, const std::string& kind) {
    const auto bytes = crypto::random_bytes(300'000);
    int calls = 1;
    for (int at = 1; at <= calls; ++at) {
        Scene scene;
        INFO(kind << " at call " << at << " of " << calls);
        if (!first_backup) {
            scene.write("old");
            REQUIRE(scene.run({}) == 0);
        }
        scene.write(bytes);
        const auto before = scene.snapshots();
        if (at == 1) {
            Scene other;
            other.write(first_backup ? std::string_view(bytes) : "old");
            calls = other.calls_of_one_run();
            other.write(bytes);
            calls = first_backup ? calls : other.calls_of_one_run();
            REQUIRE(calls > 20);
        }
        const auto status = scene.run({ fmt::format("FAULT_AT={}", at), "FAULT_KIND=" + kind });
        if (kind == "full") {
            // Calls that only tidy up may fail without harm.
            REQUIRE(WIFEXITED(status));
            if (WEXITSTATUS(status) != 0)
                REQUIRE_THAT(io::read_file(scene.error_file).value(),
                             Catch::Contains("No space left on device"));
        } else {
            // A pack's random name may lead into a folder that is there already: then the last calls
            // are fewer, and the run was over before.
            const bool over = at > calls - 3 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
            REQUIRE((over || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)));
        }
        must_recover(scene, before, bytes);
    }
}

} // namespace

TEST_CASE(
    "a first backup killed at any call that changes a file leaves nothing that the next cannot use") {
    at_every_call(true, "kill");
}

TEST_CASE("a later backup killed at any call that changes a file loses nothing") {
    at_every_call(false, "kill");
}

TEST_CASE("a backup killed in the middle of any write loses nothing") { at_every_call(false, "torn"); }

TEST_CASE("a disk that is full from any call on is one clear error, and nothing is lost") {
    at_every_call(true, "full");
}
