#include "fixture.h"

#include "vault/rotate.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

// A vault whose key lies in a file.
struct WithFile {
    Bench bench;
    io::Path file = bench.folder.path() / "wox.key";
    vault::Snapshot snapshot;

    WithFile() {
        bench.key = crypto::make_key_file(file).value();
        snapshot = bench.back_up({ { "a", "1" } });
    }
    Result<vault::Rotation> rotate() {
        return vault::rotate_key_file({ { bench.location, bench.cache } }, file);
    }
    bool key_on_disk_restores() {
        const auto key = crypto::read_key_file(file);
        const auto vault = vault::Vault::open(bench.location, key.value(), bench.cache);
        return vault.ok() && restored_from(*vault.value(), snapshot, "a").value() == "1";
    }
};

} // namespace

TEST_CASE("rotating exchanges the key file, begins an epoch and shuts the old key out") {
    WithFile rig;
    const auto old = rig.bench.key;
    const auto packs = broken(rig.bench).list("packs/").value();
    const auto rotation = rig.rotate().value();
    REQUIRE(rotation.epoch == 2);
    REQUIRE(crypto::read_key_file(rotation.old_key).value() == old);
    REQUIRE(rotation.old_key.filename() == "wox.key.old-0002");
    REQUIRE(rig.key_on_disk_restores());
    REQUIRE_FALSE(vault::Vault::open(rig.bench.location, old, rig.bench.cache).ok());
    REQUIRE(broken(rig.bench).list("packs/").value() == packs);
    REQUIRE_FALSE(io::is_there(rig.file.string() + ".next"));
    struct stat status {};
    REQUIRE(::stat(rig.file.c_str(), &status) == 0);
    REQUIRE((status.st_mode & 07777) == 0600);
    rig.bench.key = crypto::read_key_file(rig.file).value();
    REQUIRE(rig.bench.open()->keys().size() == 1);
    rig.bench.back_up({ { "b", "2" } });
    REQUIRE(rig.bench.damage().empty());
    REQUIRE(rig.rotate().value().epoch == 3);
    REQUIRE(rig.key_on_disk_restores());
}

TEST_CASE(
    "a rotation killed at any write leaves a key file that opens, and doing it again finishes it") {
    const bool half_done = GENERATE(false, true);
    for (int dies_at = 0;; ++dies_at) {
        CAPTURE(half_done, dies_at);
        WithFile rig;
        broken(rig.bench).creations = 0;
        broken(rig.bench).fail_at = dies_at;
        broken(rig.bench).half_done = half_done;
        const bool done = rig.rotate().ok();
        broken(rig.bench).fail_at = -1;
        REQUIRE(rig.key_on_disk_restores());
        if (done) {
            REQUIRE(dies_at == 4); // two slot files and their copies
            break;
        }
        REQUIRE(rig.rotate().ok());
        REQUIRE(rig.key_on_disk_restores());
        rig.bench.key = crypto::read_key_file(rig.file).value();
        const auto keys = rig.bench.open()->keys();
        REQUIRE(keys.size() == 1);
        REQUIRE(rig.bench.open()->epoch() >= 2);
        rig.bench.back_up({ { "b", "2" } });
        REQUIRE(rig.bench.damage().empty());
    }
}

TEST_CASE("a key file that is a link stays one, and its target is exchanged") {
    WithFile rig;
    const auto link = rig.bench.folder.path() / "link.key";
    std::filesystem::create_symlink(rig.file, link);
    REQUIRE(vault::rotate_key_file({ { rig.bench.location, rig.bench.cache } }, link).ok());
    REQUIRE(std::filesystem::is_symlink(link));
    REQUIRE(crypto::read_key_file(link).value() == crypto::read_key_file(rig.file).value());
    REQUIRE(rig.key_on_disk_restores());
}

TEST_CASE("rotating with a folder that cannot be written changes nothing") {
    WithFile rig;
    const auto files = broken(rig.bench).files;
    // A folder stands where the new key would be written: also root is refused.
    std::filesystem::create_directory(rig.file.string() + ".next");
    REQUIRE_FALSE(rig.rotate().ok());
    REQUIRE(broken(rig.bench).files == files);
    REQUIRE(rig.key_on_disk_restores());
}

TEST_CASE("several vaults that one file opens get the new key together, or none does") {
    WithFile rig;
    Bench second;
    second.key = rig.bench.key;
    second.back_up({ { "b", "2" } });
    const std::vector<vault::VaultPlace> places{ { rig.bench.location, rig.bench.cache },
                                                 { second.location, second.cache } };
    for (int dies_at = 0; dies_at < 4; ++dies_at) {
        CAPTURE(dies_at);
        broken(second).creations = 0;
        broken(second).fail_at = dies_at;
        const bool done = vault::rotate_key_file(places, rig.file).ok();
        broken(second).fail_at = -1;
        REQUIRE_FALSE(done);
        REQUIRE(rig.key_on_disk_restores());
        second.key = crypto::read_key_file(rig.file).value();
        REQUIRE(second.open()->keys().size() >= 1);
        REQUIRE(vault::rotate_key_file(places, rig.file).ok());
        REQUIRE(rig.key_on_disk_restores());
        second.key = crypto::read_key_file(rig.file).value();
        REQUIRE(second.open()->keys().size() == 1);
        REQUIRE(rig.bench.key != second.key);
    }
}
