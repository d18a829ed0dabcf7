#include "places.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

Files replicated(std::uint64_t seed) {
    return { { "shared", noise(200'000, 7) },
             { "own", noise(150'000, seed) },
             { "text", prose(300'000, seed) },
             { "tiny", std::to_string(seed) } };
}

std::vector<std::string> ids_of(vault::Vault& vault) {
    std::vector<std::string> ids;
    for (const auto& snapshot : vault.own_snapshots().value())
        ids.push_back(snapshot.id);
    return ids;
}

void flip_middle(std::string& bytes) { bytes[bytes.size() / 2] ^= 1; }

} // namespace

TEST_CASE("a second location gets every snapshot, and is a whole vault by itself") {
    Places places;
    const auto first = places.first.back_up(replicated(1));
    const auto second = places.first.back_up(replicated(2));
    const auto report = places.copy();
    REQUIRE(report.copied == std::vector<std::string>{ first.id, second.id });
    REQUIRE(report.failed.empty());
    const auto there = places.open_second();
    REQUIRE(ids_of(*there) == ids_of(*places.open_first()));
    for (const auto& [name, bytes] : replicated(2))
        REQUIRE(restored_from(*there, second, name).value() == bytes);
    REQUIRE(places.second_damage().empty());
    SECTION("a second time there is nothing to do, and nothing is written") {
        const auto before = places.two().files;
        REQUIRE(places.copy().copied.empty());
        REQUIRE(places.two().files == before);
    }
    SECTION("what both have is stored once more nowhere") {
        places.first.back_up(replicated(3));
        REQUIRE(places.copy().stored_bytes < 300'000); // "own" and a little; not "shared"
    }
    SECTION("state, cache and the first location gone: all is there with the key alone") {
        places.one().files.clear();
        std::filesystem::remove_all(places.first.cache);
        std::filesystem::remove_all(places.second_cache);
        REQUIRE(restored_from(*places.open_second(), first, "own").value() == replicated(1).at("own"));
    }
}

TEST_CASE("copying killed at any step is gone on with, and leaves a sound vault") {
    Places places;
    places.first.back_up(replicated(1));
    places.copy();
    places.first.back_up(replicated(2));
    const auto last = places.first.back_up(replicated(3));
    const auto before = places.two().files;
    for (int dies_at = 1;; ++dies_at) {
        CAPTURE(dies_at);
        places.two().files = before;
        std::filesystem::remove_all(places.second_cache);
        const auto killed = places.try_copy(std::make_shared<Dying>(places.second, dies_at));
        if (dies_at % 2 == 0)
            std::filesystem::remove_all(places.second_cache);
        REQUIRE(places.second_damage().empty());
        REQUIRE(places.copy().failed.empty());
        REQUIRE(places.second_damage().empty());
        REQUIRE(ids_of(*places.open_second()) == ids_of(*places.open_first()));
        REQUIRE(restored_from(*places.open_second(), last, "text").value() == replicated(3).at("text"));
        if (killed.ok())
            break;
        REQUIRE(dies_at < 60);
    }
}

TEST_CASE("what was removed at a location is not brought back to it") {
    Places places;
    const auto gone = places.first.back_up(replicated(1));
    const auto kept = places.first.back_up(replicated(2));
    places.copy();
    REQUIRE(places.open_second()->remove({ gone.id }, "test").ok());
    REQUIRE(places.copy().copied.empty());
    REQUIRE(ids_of(*places.open_second()) == std::vector<std::string>{ kept.id });
    REQUIRE(places.second_damage().empty());
}

TEST_CASE("a location added later knows why numbers are missing") {
    Places places;
    const auto gone = places.first.back_up(replicated(1));
    places.first.back_up(replicated(2));
    REQUIRE(places.open_first()->remove({ gone.id }, "test").ok());
    places.copy();
    REQUIRE(places.second_damage().empty());
}

TEST_CASE("a damaged snapshot is not copied, the others are") {
    Places places;
    const auto hurt = places.first.back_up({ { "a", noise(100'000, 1) } });
    flip_middle(places.one().files.at(first_name(places.one(), "packs/")));
    const auto sound = places.first.back_up({ { "b", noise(100'000, 2) } });
    const auto report = places.copy();
    REQUIRE(report.copied == std::vector<std::string>{ sound.id });
    REQUIRE(report.failed.size() == 1);
    REQUIRE(report.failed.front().object == "snapshot " + hurt.id);
    // What hangs below a part that could not be read must not be taken for copied.
    REQUIRE(places.open_second()->snapshots().value().size() == 1);
    REQUIRE(restored_from(*places.open_second(), sound, "b").value() == noise(100'000, 2));
}

TEST_CASE("another vault, and keys changed apart, are refused and nothing is written") {
    Places places;
    places.first.back_up(replicated(1));
    SECTION("another vault") {
        Bench other(places.second);
        other.key = places.first.key;
        other.back_up(replicated(2));
    }
    SECTION("somebody else's folder") { places.two().files["photos"] = "x"; }
    SECTION("keys that were changed at each without the other") {
        places.copy();
        REQUIRE(places.open_first()->begin_epoch().ok());
        REQUIRE(places.open_second()->begin_epoch().ok());
    }
    const auto before = places.two().files;
    REQUIRE(places.try_copy().error().kind == Kind::conflict);
    REQUIRE(places.two().files == before);
}

TEST_CASE("a location that was down gets the keys that were changed meanwhile") {
    Places places;
    places.first.back_up(replicated(1));
    places.copy();
    const auto fresh = crypto::Key::random();
    {
        const auto vault = places.open_first();
        const auto old = vault->keys().front().id;
        REQUIRE(vault->add_key(fresh, "new").ok());
        REQUIRE(vault->remove_key(old).ok());
    }
    places.first.key = fresh;
    const auto last = places.first.back_up(replicated(2));
    REQUIRE(places.copy().copied == std::vector<std::string>{ last.id });
    REQUIRE(places.open_second()->key_file_number() == places.open_first()->key_file_number());
    REQUIRE(places.second_damage().empty());
}

TEST_CASE("missing and damaged blobs are read from the other location, and never wrong") {
    Places places;
    const auto snapshot = places.first.back_up(replicated(1));
    places.copy();
    SECTION("a damaged pack") {
        flip_middle(places.one().files.at(first_name(places.one(), "packs/")));
    }
    SECTION("a lost pack") { places.one().files.erase(first_name(places.one(), "packs/")); }
    SECTION("a lost index") { places.one().files.erase(first_name(places.one(), "index/")); }
    places.first.lose_cache();
    const auto vault = places.open_both();
    for (const auto& [name, bytes] : replicated(1))
        REQUIRE(restored_from(*vault, snapshot, name).value() == bytes);
    REQUIRE(vault->take_warnings().size() == 1);
    REQUIRE(vault->take_warnings().empty());
}

TEST_CASE("damage met while reading is healed by the next backup, and by replicate") {
    Places places;
    const auto snapshot = places.first.back_up(replicated(1));
    places.copy();
    flip_middle(places.one().files.at(first_name(places.one(), "packs/")));
    {
        const auto vault = places.open_both();
        for (const auto& [name, bytes] : replicated(1))
            REQUIRE(restored_from(*vault, snapshot, name).value() == bytes);
    }
    REQUIRE(places.open_first()->known_damage() == 1);
    SECTION("by replicate") {
        const auto report =
            places.open_first()->replicate_from(*places.open_second(), Cancellation()).value();
        REQUIRE(report.healed == 1);
        REQUIRE(report.copied.empty());
    }
    SECTION("by a backup") { places.first.back_up(replicated(1)); }
    const auto alone = places.open_first();
    for (const auto& [name, bytes] : replicated(1))
        REQUIRE(restored_from(*alone, snapshot, name).value() == bytes);
}

TEST_CASE("a location that drops out in the middle of reading is no loss") {
    Places places;
    const auto snapshot = places.first.back_up(replicated(1));
    places.copy();
    for (int reads = 0; reads < 8; ++reads) {
        CAPTURE(reads);
        // Opened while it still answers; then so many reads.
        const auto dropping = std::make_shared<Dropping>(places.first.location, 1000);
        const auto opened = vault::Vault::open(dropping, places.first.key, places.first.cache).value();
        opened->read_also({ { .name = "second", .location = places.second, .open = [&] {
                                 return Result<std::shared_ptr<vault::Vault>>(places.open_second());
                             } } });
        dropping->only(reads);
        for (const auto& [name, bytes] : replicated(1))
            REQUIRE(restored_from(*opened, snapshot, name).value() == bytes);
    }
}

TEST_CASE("a snapshot that only another location has is found and read") {
    Places places;
    places.first.back_up(replicated(1));
    places.copy();
    const auto vault = places.open_second();
    const auto newest = back_up_into(*vault, replicated(2)).value();
    const auto both = places.open_both();
    REQUIRE(both->snapshots().value().back().id == newest.id);
    REQUIRE(both->own_snapshots().value().size() == 1);
    REQUIRE(restored_from(*both, newest, "own").value() == replicated(2).at("own"));
    SECTION("but not when it was removed here") {
        REQUIRE(places.open_first()->replicate_from(*places.open_second(), Cancellation()).ok());
        REQUIRE(places.open_first()->remove({ newest.id }, "test").ok());
        REQUIRE(places.open_both()->snapshots().value().size() == 1);
    }
    SECTION("the one machine that wrote both counts on") { REQUIRE(newest.number == 2); }
}
