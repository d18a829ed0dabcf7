#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

// A backup of two packs, so that it can die between them.
Files two_packs() { return { { "a", noise(17 << 20, 1) }, { "b", noise(1 << 20, 2) } }; }

} // namespace

TEST_CASE("a backup killed at any write leaves a vault that check passes and the next backup uses") {
    const bool half_done = GENERATE(false, true);
    const bool first_backup = half_done;
    const auto files = two_packs();
    for (int dies_at = 0;; ++dies_at) {
        Bench bench;
        CAPTURE(half_done, first_backup, dies_at);
        if (!first_backup)
            bench.back_up({ { "old", "kept" } });
        broken(bench).creations = 0;
        broken(bench).fail_at = dies_at;
        broken(bench).half_done = half_done;
        const bool finished = bench.try_back_up(files).ok();
        const auto done = broken(bench).creations;
        broken(bench).fail_at = -1;
        if (finished) {
            REQUIRE(dies_at >= 4); // two packs, index, snapshot
            break;
        }
        REQUIRE(done >= dies_at);
        for (const bool cache_lost : { false, true }) {
            if (cache_lost)
                bench.lose_cache();
            REQUIRE(bench.damage().empty());
        }
        const auto vault = bench.open();
        const auto packs = broken(bench).list("packs/").value().size();
        vault::Counters counters;
        const auto snapshot = back_up_into(*vault, files, &counters).value();
        if (packs >
            (first_backup ? 0u : 1u)) // the first pack was there: its 16 MiB are not stored again
            REQUIRE(counters.reused_bytes > 15 << 20);
        for (const auto& [name, bytes] : files)
            REQUIRE(bench.restored(snapshot, name) == bytes);
        REQUIRE(bench.damage().empty());
    }
}

TEST_CASE("a full disk is one clear error, the backup goes no further, and the vault is sound") {
    Bench bench;
    const auto kept = bench.back_up({ { "old", "kept" } });
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    broken(bench).creations = 0;
    broken(bench).fail_at = 0;
    broken(bench).failure = Kind::no_space;
    const auto bytes = noise(40 << 20, 3);
    io::TextSource source(bytes), more("more");
    // Packs are written behind store()'s back: where that had no need to wait, finish() tells.
    const auto stored = writer.store(source);
    const auto failed =
        stored.ok() ? writer.finish({ .game = "wox", .started = now() }).error() : stored.error();
    REQUIRE(failed.kind == Kind::no_space);
    REQUIRE(failed.what == "write to the vault");
    REQUIRE(broken(bench).creations == 1);
    // Even with room again this backup must not end in a snapshot: a pack of it is gone.
    broken(bench).fail_at = -1;
    REQUIRE(writer.store(more).error().kind == Kind::no_space);
    REQUIRE(writer.finish({ .game = "wox", .started = now() }).error().kind == Kind::no_space);
    REQUIRE(bench.open()->snapshots().value().size() == 1);
    REQUIRE(bench.damage().empty());
    REQUIRE(bench.restored(kept, "old") == "kept");
}

TEST_CASE("a vault whose making was killed is completed by the first backup") {
    for (int dies_at = 0; dies_at < 3; ++dies_at) {
        Bench bench;
        CAPTURE(dies_at);
        broken(bench).fail_at = dies_at;
        REQUIRE_FALSE(vault::Vault::create(bench.location, bench.key, bench.cache).ok());
        broken(bench).fail_at = -1;
        const auto before = bench.check();
        REQUIRE(before.damage.empty());
        bench.back_up({ { "a", "1" } });
        REQUIRE(broken(bench).files.contains("keys/0001.copy"));
        REQUIRE(broken(bench).files.contains("readme.txt"));
        REQUIRE(bench.damage().empty());
    }
}

TEST_CASE("a source that fails stops its own file, not the backup") {
    struct Failing final : io::Source {
        Result<std::size_t> read(char*, std::size_t) override {
            return Error{ .kind = Kind::io, .why = "bad sector" };
        }
    };
    Bench bench;
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    Failing failing;
    io::TextSource good("good");
    REQUIRE(writer.store(failing).error().kind == Kind::io);
    REQUIRE(writer.store(good).ok());
    REQUIRE(writer.finish({ .game = "wox", .started = now() }).ok());
    REQUIRE(bench.damage().empty());
}

TEST_CASE("packs of a killed backup that are damaged are not used, and are noted") {
    Bench bench;
    bench.back_up({ { "old", "kept" } });
    broken(bench).creations = 0;
    broken(bench).fail_at = 2; // two packs, no index
    const auto files = two_packs();
    REQUIRE_FALSE(bench.try_back_up(files).ok());
    broken(bench).fail_at = -1;
    for (auto& [name, bytes] : broken(bench).files)
        if (name.starts_with("packs/") && bytes.size() > 10 << 20)
            bytes[5'000'000] ^= 1;
    REQUIRE(bench.damage().empty());
    REQUIRE(bench.check().notes.size() >= 2);
    const auto snapshot = bench.back_up(files);
    for (const auto& [name, bytes] : files)
        REQUIRE(bench.restored(snapshot, name) == bytes);
    REQUIRE(bench.damage().empty());
}
