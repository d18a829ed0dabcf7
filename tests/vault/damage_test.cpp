#include "fixture.h"

#include "base/bytes.h"
#include "vault/snapshot_file.h"
#include "vault/state.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;
using Catch::Contains;

namespace {

const Files small{ { "a.txt", "the quick brown fox\n" }, { "b.bin", noise(5000, 1) } };

// The one damage that a check finds.
vault::Damage only_damage(Bench& bench, vault::CheckDepth depth = vault::CheckDepth::read_data) {
    const auto report = bench.check(depth);
    for (const auto& damage : report.damage)
        UNSCOPED_INFO(damage.object << ": " << damage.why);
    REQUIRE(report.damage.size() == 1);
    return report.damage.front();
}

void must_be_whole(Bench& bench, const vault::Snapshot& snapshot, const Files& files) {
    for (const auto& [name, bytes] : files)
        REQUIRE(bench.restored(snapshot, name) == bytes);
}

} // namespace

TEST_CASE("a wrong key is denied, and says so") {
    Bench bench;
    bench.back_up(small);
    bench.key = crypto::Key::random();
    const auto error = bench.try_open().error();
    REQUIRE(error.kind == Kind::denied);
    REQUIRE_THAT(error.why, Contains("this key does not open the vault"));
    REQUIRE_THAT(error.fix, Contains("key file"));
}

TEST_CASE("a place without a vault is missing, a place with something else in it is refused") {
    Bench bench;
    REQUIRE(vault::Vault::open(bench.location, bench.key, bench.cache).error().kind == Kind::missing);
    broken(bench).files["notes.txt"] = "mine";
    REQUIRE(vault::Vault::create(bench.location, bench.key, bench.cache).error().kind ==
            Kind::conflict);
    REQUIRE(broken(bench).files.size() == 1);
}

TEST_CASE("a new vault says how to restore from it") {
    Bench bench;
    bench.open();
    const auto& readme = broken(bench).files.at("readme.txt");
    REQUIRE_THAT(readme, Contains("respawn restore latest --location memory:broken --key-file"));
    REQUIRE_THAT(readme, Contains("format 1"));
}

TEST_CASE("a pack that is cut short is found, with what it hurts, and reading it is an error") {
    Bench bench;
    const auto snapshot = bench.back_up(small);
    const auto name = first_name(broken(bench), "packs/");
    auto& pack = broken(bench).files.at(name);
    pack.resize(pack.size() / 4);
    const auto depth = GENERATE(vault::CheckDepth::structure, vault::CheckDepth::read_data);
    const auto damage = only_damage(bench, depth);
    REQUIRE(damage.object == name);
    REQUIRE_THAT(damage.why, Contains("bytes and should have"));
    REQUIRE_FALSE(damage.hurts.empty());
    REQUIRE_THAT(damage.hurts.front(), Contains("snapshot " + snapshot.id + " component files"));
    REQUIRE(bench.try_restored(snapshot, "b.bin").error().kind == Kind::corrupt);
}

TEST_CASE("a missing pack is found, and the next backup stores again what it held") {
    Bench bench;
    const auto snapshot = bench.back_up(small);
    const auto name = first_name(broken(bench), "packs/");
    broken(bench).files.erase(name);
    const auto damage = only_damage(bench, vault::CheckDepth::structure);
    REQUIRE(damage.object == name);
    REQUIRE(damage.why == "the pack is missing");
    REQUIRE_FALSE(damage.hurts.empty());
    REQUIRE(bench.try_restored(snapshot, "a.txt").error().kind == Kind::corrupt);

    const auto again = bench.back_up(small);
    must_be_whole(bench, again, small);
    must_be_whole(bench, snapshot, small); // the same chunks
}

TEST_CASE("blobs that check found damaged are stored again by the next backup") {
    Bench bench;
    const auto snapshot = bench.back_up(small);
    const auto name = first_name(broken(bench), "packs/");
    for (std::size_t i = 200; i < 5000; ++i)
        broken(bench).files.at(name)[i] ^= 1;
    REQUIRE(only_damage(bench).object == name);
    const auto again = bench.back_up(small);
    must_be_whole(bench, again, small);
    must_be_whole(bench, snapshot, small);
    const auto damage = only_damage(bench);
    REQUIRE(damage.object == name);
    REQUIRE(damage.hurts.size() <= 1); // at most the old snapshot's copy in the pack
}

TEST_CASE("without its index files a vault is still read; check tells, and the next backup mends it") {
    Bench bench;
    const auto snapshot = bench.back_up(small);
    std::erase_if(broken(bench).files,
                  [](const auto& file) { return file.first.starts_with("index/"); });
    SECTION("also when the pack's directory is damaged") {
        auto& pack = broken(bench).files.at(first_name(broken(bench), "packs/"));
        pack[pack.size() - 1] ^= 1;   // the trailer's end
        pack[pack.size() - 150] ^= 1; // the directory
        must_be_whole(bench, snapshot, small);
        bench.lose_cache();
        must_be_whole(bench, snapshot, small);
    }
    SECTION("and the cache is lost as well") {
        bench.lose_cache();
        must_be_whole(bench, snapshot, small);
        REQUIRE(only_damage(bench).object == "index");
        const auto again = bench.back_up({ { "c", "new" } });
        REQUIRE(bench.damage().empty());
        must_be_whole(bench, snapshot, small);
        must_be_whole(bench, again, { { "c", "new" } });
    }
}

TEST_CASE("a cache that is lost, damaged or another vault's is made anew") {
    Bench bench;
    const auto snapshot = bench.back_up(small);
    const auto index = bench.cache / "index";
    auto bytes = io::read_file(index).value();
    SECTION("lost") { bench.lose_cache(); }
    SECTION("a flipped bit") {
        bytes[bytes.size() / 2] ^= 4;
        REQUIRE(io::replace_durably(index, bytes).ok());
    }
    SECTION("cut short") { REQUIRE(io::replace_durably(index, bytes.substr(0, 40)).ok()); }
    SECTION("empty") { REQUIRE(io::replace_durably(index, "").ok()); }
    SECTION("of another vault") {
        Bench other;
        other.back_up(small);
        std::filesystem::copy_file(other.cache / "index", index,
                                   std::filesystem::copy_options::overwrite_existing);
    }
    const auto vault = bench.open();
    vault::Counters counters;
    REQUIRE(back_up_into(*vault, small, &counters).ok());
    REQUIRE(counters.reused_bytes == counters.read_bytes);
    must_be_whole(bench, snapshot, small);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("a damaged snapshot file is read from its copy in a pack") {
    Bench bench;
    const auto snapshot = bench.back_up(small);
    const auto name = first_name(broken(bench), "snapshots/");
    broken(bench).files.at(name).assign(10, 'x');
    const auto read = bench.open()->snapshots().value();
    REQUIRE(read.size() == 1);
    REQUIRE(read[0].id == snapshot.id);
    must_be_whole(bench, read[0], small);
    const auto damage = only_damage(bench);
    REQUIRE(damage.object == name);
    REQUIRE_THAT(damage.why, Contains("its copy in a pack is sound"));
    REQUIRE(damage.hurts.empty());
}

TEST_CASE("a snapshot that cannot be read at all is named, and hides no other") {
    Bench bench;
    bench.back_up(small);
    broken(bench).files.at(first_name(broken(bench), "snapshots/"))[20] ^= 1;
    broken(bench).files.at(first_name(broken(bench), "packs/")).resize(100);
    bench.lose_cache();
    const auto good = bench.back_up({ { "c", "new" } });
    REQUIRE(bench.open()->snapshots().error().kind == Kind::corrupt);
    std::vector<vault::Damage> damaged;
    const auto read = bench.open()->snapshots(&damaged).value();
    REQUIRE(read.size() == 1);
    REQUIRE(read[0].id == good.id);
    REQUIRE(damaged.size() == 1);
    REQUIRE_THAT(damaged[0].object, Contains("snapshots/01"));
}

TEST_CASE("a removed snapshot is noticed, unless a tombstone says why") {
    Bench bench;
    const auto first = bench.back_up(small);
    const auto second = bench.back_up(small);
    const auto third = bench.back_up(small);
    const auto remove = [&](const vault::Snapshot& snapshot) {
        broken(bench).files.erase(vault::snapshot_name(snapshot.id));
    };
    SECTION("in the middle, also on another machine") {
        remove(second);
        bench.lose_cache();
        REQUIRE_THAT(only_damage(bench).why,
                     Contains("snapshot 2 of writer " + first.writer + " is gone"));
        const auto keyring = vault::read_keyring(*bench.location, bench.key).value();
        const auto name = vault::tombstone_name(second.writer, 2);
        broken(bench).files[name] = vault::seal_tombstone(keyring, name, Value::Map{});
        REQUIRE(bench.damage().empty());
    }
    SECTION("the first two") {
        remove(first);
        remove(second);
        REQUIRE_THAT(only_damage(bench).why, Contains("snapshots 1 to 2"));
    }
    SECTION("the newest: the vault was put back to an older state") {
        remove(third);
        REQUIRE_THAT(only_damage(bench).why, Contains("snapshot 3"));
        REQUIRE(bench.back_up(small).number == 4);
        bench.lose_cache();
        REQUIRE_THAT(only_damage(bench).why, Contains("snapshot 3"));
    }
}

TEST_CASE("a lost slot copy or README is damage, and the next backup writes it again") {
    Bench bench;
    bench.back_up(small);
    for (const std::string name : { "keys/0001", "keys/0001.copy", "readme.txt" }) {
        CAPTURE(name);
        const auto before = broken(bench).files.at(name);
        broken(bench).files.erase(name);
        REQUIRE(only_damage(bench).object == name);
        bench.back_up(small);
        REQUIRE(broken(bench).files.at(name) == before);
        REQUIRE(bench.damage().empty());
    }
}

TEST_CASE("files that are none of the vault's are noted") {
    Bench bench;
    bench.back_up(small);
    broken(bench).files["packs/zz"] = "mine";
    broken(bench).files["notes.txt"] = "mine";
    const auto report = bench.check();
    REQUIRE(report.damage.empty());
    REQUIRE(report.notes.size() == 2);
}

TEST_CASE("check reads every byte of every file from the location, not from a cache") {
    Bench bench;
    bench.back_up(small);
    bench.back_up({ { "c", noise(3000, 5) } });
    std::size_t total = 0;
    for (const auto& [name, bytes] : broken(bench).files)
        total += bytes.size();
    const auto vault = bench.open();
    broken(bench).bytes_read = 0;
    std::uint64_t last = 0;
    const auto report = vault
                            ->check(vault::CheckDepth::read_data, Cancellation(),
                                    [&](std::uint64_t done, std::uint64_t all) {
                                        REQUIRE(done >= last);
                                        REQUIRE(all == total);
                                        last = done;
                                    })
                            .value();
    REQUIRE(broken(bench).bytes_read >= total);
    REQUIRE(report.bytes_read == total);
    REQUIRE(report.snapshots == 2);
    REQUIRE(report.packs == 2);
    REQUIRE(report.blobs == 7);
}

TEST_CASE("a check that is cancelled says so") {
    Bench bench;
    bench.back_up(small);
    Cancellation cancel;
    cancel.request();
    REQUIRE(bench.open()->check(vault::CheckDepth::read_data, cancel).error().kind == Kind::cancelled);
}

TEST_CASE("a location that cannot be reached is an error, never damage") {
    Bench bench;
    bench.back_up(small);
    const auto vault = bench.open();
    struct Gone final : location::Location {
        Error error{ .kind = Kind::unavailable, .why = "gone" };
        Result<void> create(std::string_view, io::Source&) override { return error; }
        Result<std::string> read(std::string_view, location::Range) override { return error; }
        Result<std::vector<location::Entry>> list(std::string_view) override { return error; }
        Result<void> remove(std::string_view) override { return error; }
        Result<Moment> now() override { return error; }
        std::string url() const override { return "gone"; }
    };
    REQUIRE(vault::Vault::open(std::make_shared<Gone>(), bench.key, bench.cache).error().kind ==
            Kind::unavailable);
}
