#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;
using namespace std::chrono_literals;

namespace {

struct Scene {
    Bench bench;
    vault::Snapshot kept, going;
    std::map<std::string, std::string, std::less<>> files;

    Scene() {
        for (std::uint64_t seed = 1; seed < 4; ++seed)
            bench.back_up({ { "shared", noise(200'000, 7) }, { "own", noise(150'000, seed) } });
        kept = bench.back_up({ { "shared", noise(200'000, 7) }, { "last", "1" } });
        going = bench.open()->snapshots().value().front();
        files = broken(bench).files;
    }

    void back_to(const decltype(files)& before) {
        broken(bench).files = before;
        bench.lose_cache();
        std::filesystem::remove_all(bench.folder.path() / "killed");
    }

    void must_be_sound() {
        const auto damage = bench.damage();
        CAPTURE(damage);
        REQUIRE(damage.empty());
        REQUIRE(bench.restored(kept, "shared") == noise(200'000, 7));
    }
};

std::vector<std::string> all_but(const vault::Snapshot& kept, vault::Vault& vault) {
    std::vector<std::string> ids;
    for (const auto& snapshot : vault.snapshots().value())
        if (snapshot.id != kept.id)
            ids.push_back(snapshot.id);
    return ids;
}

} // namespace

TEST_CASE("a prune killed at any step leaves a sound vault, and the next one comes to the same end") {
    Scene scene;
    auto& bench = scene.bench;
    REQUIRE(bench.open()->remove(all_but(scene.kept, *bench.open()), "test").ok());
    const auto before = broken(bench).files;
    REQUIRE(bench.open()->prune(prune_at_once, Cancellation()).ok());
    const auto end = bytes_in_packs(bench);
    for (int dies_at = 1;; ++dies_at) {
        CAPTURE(dies_at);
        scene.back_to(before);
        const auto dying = std::make_shared<Dying>(bench.location, dies_at);
        const auto killed = vault::Vault::open(dying, bench.key, bench.folder.path() / "killed")
                                .value()
                                ->prune(prune_at_once, Cancellation());
        scene.must_be_sound();
        // A backup goes on at once, whatever state prune has left.
        if (dies_at % 4 == 0)
            REQUIRE(bench.restored(bench.back_up({ { "own", noise(150'000, 2) } }), "own") ==
                    noise(150'000, 2));
        broken(bench).clock_is_ahead += 31min;
        REQUIRE(bench.open()->prune(prune_at_once, Cancellation()).ok());
        scene.must_be_sound();
        if (dies_at % 4 != 0)
            REQUIRE(bytes_in_packs(bench) <= end + 1000);
        REQUIRE(bench.location->list("marks/").value().empty());
        if (killed.ok())
            break;
        REQUIRE(dies_at < 200);
    }
}

TEST_CASE("a removal or an undelete killed at any step can be done again") {
    Scene scene;
    auto& bench = scene.bench;
    const bool undeletes = GENERATE(false, true);
    if (undeletes)
        REQUIRE(bench.open()->remove({ scene.going.id }, "test").ok());
    const auto before = broken(bench).files;
    for (int dies_at = 1;; ++dies_at) {
        CAPTURE(undeletes, dies_at);
        scene.back_to(before);
        const auto dying = std::make_shared<Dying>(bench.location, dies_at);
        const auto vault = vault::Vault::open(dying, bench.key, bench.folder.path() / "killed").value();
        const auto act = [&](vault::Vault& on) {
            return undeletes ? on.undelete(scene.going.id).ok()
                             : on.remove({ scene.going.id }, "test").ok();
        };
        const bool done = act(*vault);
        scene.must_be_sound();
        broken(bench).clock_is_ahead += 31min;
        const auto next = bench.open();
        if (!done) {
            const auto there = next->snapshots().value().size();
            REQUIRE((act(*next) || (!undeletes && there == 3)));
        }
        REQUIRE(next->prune({ .despite_clock = true }, Cancellation()).ok());
        REQUIRE(next->snapshots().value().size() == (undeletes ? 4 : 3));
        scene.must_be_sound();
        if (undeletes)
            REQUIRE(bench.restored(scene.going, "own") == noise(150'000, 1));
        if (done)
            break;
        REQUIRE(dies_at < 50);
    }
}
