#include "places.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;
using namespace std::chrono_literals;

namespace {

Files files(std::uint64_t seed) {
    return { { "shared", noise(200'000, 7) },
             { "own", noise(150'000, seed) },
             { "text", prose(90'000, seed) } };
}

void flip(std::string& bytes, std::size_t at) { bytes[at] ^= 1; }

vault::RepairReport repair(Places& places, bool alone = false, bool dry = false) {
    const auto vault = alone ? places.open_first() : places.open_both();
    return vault->repair({ .dry_run = dry }, Cancellation()).value();
}

void must_restore(Places& places, const vault::Snapshot& snapshot, std::uint64_t seed) {
    const auto vault = places.open_first();
    for (const auto& [name, bytes] : files(seed))
        REQUIRE(restored_from(*vault, snapshot, name).value() == bytes);
}

std::string first_of(Places& places, std::string_view prefix) {
    return first_name(places.one(), prefix);
}

} // namespace

TEST_CASE("repair mends what another location has, and deletes nothing") {
    const bool prunes = GENERATE(false, true);
    Places places;
    const auto snapshot = places.first.back_up(files(1));
    places.copy();
    SECTION("a flipped bit in a pack") {
        auto& pack = places.one().files.at(first_of(places, "packs/"));
        flip(pack, pack.size() / 2);
    }
    SECTION("a damaged trailer: nothing of it is lost, and yet it is not what was written") {
        auto& pack = places.one().files.at(first_of(places, "packs/"));
        flip(pack, pack.size() - 60);
    }
    SECTION("a lost pack") { places.one().files.erase(first_of(places, "packs/")); }
    SECTION("pack and index lost") {
        places.one().files.erase(first_of(places, "packs/"));
        places.one().files.erase(first_of(places, "index/"));
    }
    SECTION("a damaged snapshot file, and its copy lost with the pack") {
        flip(places.one().files.at(first_of(places, "snapshots/")), 30);
        places.one().files.erase(first_of(places, "packs/"));
    }
    places.first.lose_cache();
    REQUIRE(!places.first.damage().empty());
    const auto before = places.one().files;
    const auto plan = repair(places, false, true);
    REQUIRE(places.one().files == before);
    REQUIRE(!plan.mended.empty());
    const auto report = repair(places);
    CAPTURE(report.mended);
    for (const auto& left : report.left)
        UNSCOPED_INFO(left.object + ": " + left.why);
    REQUIRE(report.left.empty());
    for (const auto& [name, bytes] : before)
        REQUIRE(places.one().files.at(name) == bytes);
    REQUIRE(places.first.damage().empty());
    places.first.lose_cache();
    REQUIRE(places.first.damage().empty());
    must_restore(places, snapshot, 1);
    if (prunes) { // takes the damaged things away
        places.one().clock_is_ahead += 49h;
        REQUIRE(places.open_first()->prune({ .max_unused = 0, .grace = {} }, Cancellation()).ok());
        for (const auto& note : places.first.check().notes)
            REQUIRE(note.find("packs/") == std::string::npos);
        must_restore(places, snapshot, 1);
    } else { // a second repair finds nothing to do
        const auto after = places.one().files;
        REQUIRE(repair(places).found == 0);
        REQUIRE(places.one().files == after);
    }
}

TEST_CASE("repair mends from the vault itself what lies in it twice") {
    Places places;
    const auto first = places.first.back_up(files(1));
    const auto second = places.first.back_up(files(2));
    SECTION("a damaged index file") { flip(places.one().files.at(first_of(places, "index/")), 40); }
    SECTION("a lost index file") { places.one().files.erase(first_of(places, "index/")); }
    SECTION("a damaged snapshot file") {
        flip(places.one().files.at(first_of(places, "snapshots/")), 40);
    }
    SECTION("a lost snapshot file") { places.one().files.erase(first_of(places, "snapshots/")); }
    SECTION("damaged keys") { flip(places.one().files.at("keys/0001"), 40); }
    SECTION("a lost copy of the keys") { places.one().files.erase("keys/0001.copy"); }
    SECTION("a lost README") { places.one().files.erase("readme.txt"); }
    places.first.lose_cache();
    REQUIRE(!places.first.damage().empty());
    const auto report = repair(places, true);
    CAPTURE(report.mended);
    for (const auto& left : report.left)
        UNSCOPED_INFO(left.object + ": " + left.why);
    REQUIRE(report.left.empty());
    REQUIRE(places.first.damage().empty());
    REQUIRE(places.open_first()->snapshots().value().size() == 2);
    must_restore(places, first, 1);
    must_restore(places, second, 2);
    places.one().clock_is_ahead += 49h;
    REQUIRE(places.open_first()->prune({ .max_unused = 0, .grace = {} }, Cancellation()).ok());
    REQUIRE(places.first.damage().empty());
    must_restore(places, second, 2);
}

TEST_CASE("what repair cannot mend it names with what it hurts, and mends the rest") {
    Places places;
    places.first.back_up(files(1));
    const auto second = places.first.back_up(files(2));
    auto& pack = places.one().files.at(first_of(places, "packs/"));
    flip(pack, pack.size() / 2);
    const auto report = repair(places, true);
    REQUIRE(report.left.size() == 1);
    REQUIRE(!report.left.front().hurts.empty());
    SECTION("the next backup, while the source is still there, heals it") {
        places.first.back_up(files(1));
        places.first.back_up(files(2));
        REQUIRE(repair(places, true).left.empty());
        must_restore(places, second, 2);
    }
}

TEST_CASE("a snapshot that was removed on purpose, or never finished, is not brought back by repair") {
    Places places;
    const auto gone = places.first.back_up(files(1));
    places.first.back_up(files(2));
    REQUIRE(places.open_first()->remove({ gone.id }, "test").ok());
    places.one().files.erase(first_of(places, "index/"));
    places.first.lose_cache();
    repair(places, true);
    REQUIRE(places.open_first()->snapshots().value().size() == 1);
}

TEST_CASE("a repair killed at any step leaves what it found or better, and is gone on with") {
    Places places;
    const auto snapshot = places.first.back_up(files(1));
    places.copy();
    auto& pack = places.one().files.at(first_of(places, "packs/"));
    flip(pack, pack.size() / 2);
    flip(places.one().files.at(first_of(places, "snapshots/")), 40);
    flip(places.one().files.at("keys/0001.copy"), 40);
    const auto before = places.one().files;
    for (int dies_at = 1;; ++dies_at) {
        CAPTURE(dies_at);
        places.one().files = before;
        places.first.lose_cache();
        const auto dying = std::make_shared<Dying>(places.first.location, dies_at);
        bool done = false;
        {
            const auto vault = vault::Vault::open(dying, places.first.key, places.first.cache).value();
            vault->read_also({ { .name = "second", .location = places.second, .open = [&] {
                                    return Result<std::shared_ptr<vault::Vault>>(places.open_second());
                                } } });
            done = vault->repair({}, Cancellation()).ok();
        }
        for (const auto& [name, bytes] : before)
            REQUIRE(places.one().files.at(name) == bytes);
        REQUIRE(repair(places).left.empty());
        REQUIRE(places.first.damage().empty());
        must_restore(places, snapshot, 1);
        if (done)
            break;
        REQUIRE(dies_at < 40);
    }
}

TEST_CASE("checks of a share come round to every pack") {
    Bench bench;
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
        bench.back_up({ { "own", noise(100'000, seed) } });
    std::uint64_t lately = 0;
    for (int round = 1; round <= 4; ++round) {
        const auto report =
            bench.open()->check(vault::CheckDepth::read_data, Cancellation(), {}, 0.2).value();
        REQUIRE(report.damage.empty());
        REQUIRE(report.lately_read_bytes > lately);
        REQUIRE((report.lately_read_bytes == report.pack_bytes) == (round == 4));
        lately = report.lately_read_bytes;
    }
    SECTION("and damage that one of them has found stays known to the next") {
        auto& location = static_cast<BrokenLocation&>(*bench.location);
        auto& pack = location.files.at(first_name(location, "packs/"));
        pack[pack.size() / 2] ^= 1;
        std::size_t found = 0;
        for (int round = 0; round < 4; ++round) {
            bench.open()->check(vault::CheckDepth::read_data, Cancellation(), {}, 0.2).value();
            const auto known = bench.open()->known_damage();
            REQUIRE(known >= found);
            found = known;
        }
        REQUIRE(found == 1);
    }
}

TEST_CASE("damage in a database names the pages that it hurts") {
    Bench bench;
    {
        const auto vault = bench.open();
        auto writer = vault->begin_backup().value();
        const auto bytes = noise(3'000'000, 1);
        io::TextSource source(bytes);
        vault::TreeEntry entry{ .name = "game.db", .mode = 0644, .size = bytes.size() };
        entry.content = writer.store(source).value();
        vault::ComponentRecord record{ .name = "database", .kind = "sqlite", .files = 1 };
        record.detail = Value::Map{ { "page_size", std::int64_t{ 4096 } } };
        record.size_bytes = bytes.size();
        record.tree = writer.store_tree({ entry }).value();
        vault::SnapshotDraft draft{ .game = "wox", .type = "manual", .started = now() };
        draft.components = { record };
        REQUIRE(writer.finish(std::move(draft)).ok());
    }
    auto& location = static_cast<BrokenLocation&>(*bench.location);
    auto& pack = location.files.at(first_name(location, "packs/"));
    flip(pack, 150); // in the first chunk
    const auto report = bench.check();
    REQUIRE(report.damage.size() == 1);
    REQUIRE(report.damage.front().hurts.size() == 1);
    const auto& hurt = report.damage.front().hurts.front();
    REQUIRE(hurt.find("component database: pages 1 to ") != std::string::npos);
    REQUIRE(hurt.ends_with(" of game.db"));
}
