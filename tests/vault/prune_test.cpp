#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;
using namespace std::chrono_literals;

namespace {

vault::PruneReport prune(Bench& bench, vault::PruneOptions options = {}) {
    return bench.open()->prune(options, Cancellation()).value();
}

void remove(Bench& bench, const vault::Snapshot& snapshot) {
    REQUIRE(bench.open()->remove({ snapshot.id }, "test", true).ok());
}

void must_be_sound(Bench& bench) {
    const auto damage = bench.damage();
    CAPTURE(damage);
    REQUIRE(damage.empty());
}

} // namespace

TEST_CASE("prune deletes what no snapshot needs, once the grace time is over, and nothing else") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(3 << 20, 1) }, { "b", noise(1 << 20, 2) } });
    const auto second = bench.back_up({ { "b", noise(1 << 20, 2) } });
    const auto before = bytes_in_packs(bench);
    REQUIRE(prune(bench).freed_bytes == 0);
    remove(bench, first);
    REQUIRE(bench.open()->snapshots().value().size() == 1);
    must_be_sound(bench);
    REQUIRE(prune(bench).in_grace == 1);
    REQUIRE(bytes_in_packs(bench) == before);
    broken(bench).clock_is_ahead = 25h;
    const auto look = prune(bench, { .dry_run = true });
    REQUIRE(bytes_in_packs(bench) == before);
    const auto report = prune(bench);
    REQUIRE(report.deleted_packs == look.deleted_packs);
    REQUIRE(report.freed_bytes > 2 << 20);
    REQUIRE(bytes_in_packs(bench) + report.freed_bytes == before);
    must_be_sound(bench);
    REQUIRE(bench.restored(second, "b") == noise(1 << 20, 2));
    REQUIRE(prune(bench).deleted_packs == 0);
    bench.lose_cache();
    must_be_sound(bench);
}

TEST_CASE("a pack is written anew only when more than the allowed share of all is unused") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(1 << 20, 1) }, { "b", noise(9 << 20, 2) } });
    const auto second = bench.back_up({ { "b", noise(9 << 20, 2) } });
    remove(bench, first);
    broken(bench).clock_is_ahead = 25h;
    REQUIRE(prune(bench, { .max_unused = 0.2 }).rewritten_packs == 0);
    const auto report = prune(bench);
    REQUIRE(report.rewritten_packs == 1);
    REQUIRE(report.copied_bytes > 9 << 20);
    REQUIRE(report.freed_bytes > 1000000);
    REQUIRE(bench.restored(second, "b") == noise(9 << 20, 2));
    must_be_sound(bench);
}

TEST_CASE("a removed snapshot comes back within the grace time, and not after its data is gone") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(100'000, 1) } });
    bench.back_up({ { "b", "2" } });
    remove(bench, first);
    REQUIRE(bench.open()->removed(24h).value().size() == 1);
    prune(bench);
    REQUIRE(bench.open()->undelete(first.id.substr(0, 20)).ok());
    REQUIRE(bench.restored(first, "a") == noise(100'000, 1));
    REQUIRE(bench.open()->removed(24h).value().empty());
    must_be_sound(bench);
    broken(bench).clock_is_ahead = 20h;
    remove(bench, first); // again: its time counts anew
    broken(bench).clock_is_ahead = 40h;
    prune(bench);
    REQUIRE(bench.open()->undelete(first.id).ok());
    remove(bench, first);
    broken(bench).clock_is_ahead = 70h;
    REQUIRE(bench.open()->removed(24h).value().empty());
    prune(bench);
    REQUIRE(bench.open()->undelete(first.id).error().kind == Kind::missing);
    must_be_sound(bench);
}

TEST_CASE(
    "what a killed backup left is deleted, and it blocks prune no longer than until the next one") {
    Bench bench;
    bench.back_up({ { "old", "kept" } });
    {
        const auto vault = bench.open();
        auto writer = vault->begin_backup().value();
        const auto big = noise(64 << 20, 1); // some of its packs are written while the rest is read
        io::TextSource source(big);
        REQUIRE(writer.store(source).ok());
        const auto report = vault->prune({}, Cancellation()).value();
        REQUIRE(report.deleted_packs == 0);
    }
    REQUIRE(bytes_in_packs(bench) > 16 << 20);
    bench.back_up({ { "old", "kept" } }); // gives up what was killed
    REQUIRE(prune(bench).freed_bytes > 16 << 20);
    must_be_sound(bench);
}

TEST_CASE("a backup that prune has given up fails and never counts") {
    Bench bench;
    const auto kept = bench.back_up({ { "old", "kept" } });
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    const auto bytes = noise(17 << 20, 1);
    io::TextSource source(bytes);
    const auto content = writer.store(source).value();
    broken(bench).clock_is_ahead = 49h;
    Bench other(bench.location);
    other.key = bench.key;
    REQUIRE(prune(other).given_up.size() == 1);
    vault::ComponentRecord record{ .name = "files", .kind = "files", .size_bytes = 1, .files = 1 };
    record.tree =
        writer.store_tree({ { .name = "a", .size = content.size, .content = content } }).value();
    const auto finished = writer.finish({ .game = "wox", .started = now(), .components = { record } });
    REQUIRE(finished.error().kind == Kind::timeout);
    REQUIRE(bench.open()->snapshots().value().size() == 1);
    must_be_sound(bench);
    REQUIRE(bench.restored(kept, "old") == "kept");
}

TEST_CASE(
    "a backup that began before the marks keeps what it reuses; one that began after stores again") {
    Bench bench;
    const auto shared = noise(2 << 20, 5);
    const auto first = bench.back_up({ { "a", shared } });
    bench.back_up({ { "b", "2" } });
    remove(bench, first);
    broken(bench).clock_is_ahead = 25h;
    const bool began_before = GENERATE(true, false);
    const auto vault = bench.open();
    Bench other(bench.location);
    other.key = bench.key;
    std::optional<vault::Writer> early;
    if (began_before)
        early.emplace(vault->begin_backup().value());
    const auto blocked = other.open();
    std::optional<vault::Writer> blocker;
    if (!began_before)
        blocker.emplace(blocked->begin_backup().value());
    REQUIRE(prune(other).waits_for.size() == 1);
    if (!began_before)
        early.emplace(vault->begin_backup().value());
    io::TextSource source(shared);
    const auto content = early->store(source).value();
    REQUIRE((early->counters().reused_bytes == shared.size()) == began_before);
    vault::ComponentRecord record{ .name = "files", .kind = "files", .size_bytes = 1, .files = 1 };
    record.tree =
        early->store_tree({ { .name = "a", .size = content.size, .content = content } }).value();
    const auto snapshot =
        early->finish({ .game = "wox", .started = now(), .components = { record } }).value();
    if (blocker)
        REQUIRE(blocker->finish({ .game = "wox", .started = now() }).ok());
    REQUIRE(prune(other).waits_for.empty());
    REQUIRE(bench.restored(snapshot, "a") == shared);
    must_be_sound(bench);
}

TEST_CASE("backups that overlap for ever do not starve prune") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(2 << 20, 5) } });
    remove(bench, first);
    broken(bench).clock_is_ahead = 25h;
    const auto vault = bench.open();
    Bench other(bench.location);
    other.key = bench.key;
    std::optional<vault::Writer> running(vault->begin_backup().value());
    REQUIRE(prune(other).waits_for.size() == 1);
    const auto next = bench.open();
    std::optional<vault::Writer> later(next->begin_backup().value()); // has seen the marks
    REQUIRE(running->finish({ .game = "wox", .started = now() }).ok());
    REQUIRE(prune(other).freed_bytes > 2 << 20);
    REQUIRE(later->finish({ .game = "wox", .started = now() }).ok());
    must_be_sound(bench);
}

TEST_CASE("one prune at a time; a dead one's lease ends by the location's clock") {
    Bench bench;
    bench.back_up({ { "a", "1" } });
    Bench other(bench.location);
    other.key = bench.key;
    const auto location = static_cast<BrokenLocation*>(bench.location.get());
    const auto vault = bench.open();
    prune(bench);
    // It dies behind its first step: the lease is taken and never released.
    const auto keep = location->files;
    location->creations = 0;
    location->fail_at = 1;
    REQUIRE_FALSE(vault->prune({}, Cancellation()).ok());
    location->fail_at = -1;
    REQUIRE(other.open()->prune({}, Cancellation()).error().kind == Kind::leased);
    REQUIRE(bench.open()->prune({}, Cancellation()).ok()); // its own machine knows that it is dead
    location->files = keep;
    location->creations = 0;
    location->fail_at = 1;
    REQUIRE_FALSE(vault->prune({}, Cancellation()).ok());
    location->fail_at = -1;
    location->clock_is_ahead = 31min;
    REQUIRE(other.open()->prune({}, Cancellation()).ok());
}

TEST_CASE("a clock that jumped by ten years stops prune for a person, either way") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(100'000, 1) } });
    bench.back_up({ { "b", "2" } });
    remove(bench, first);
    const auto years = GENERATE(10, -10);
    broken(bench).clock_is_ahead = 24h * 365 * years;
    const auto before = bytes_in_packs(bench);
    const auto refused = bench.open()->prune({}, Cancellation());
    REQUIRE(refused.error().kind == Kind::needs_person);
    REQUIRE(bytes_in_packs(bench) == before);
    const auto done = bench.open()->prune({ .despite_clock = true }, Cancellation());
    REQUIRE((done.value().freed_bytes > 0) == (years > 0));
    must_be_sound(bench);
}

TEST_CASE("a copy that turns out damaged is not what prune relies on") {
    Bench bench;
    const auto content = noise(40'000, 3);
    // Two backups at the same time store the same blobs, each in a pack of its own.
    const auto one = bench.open(), two = bench.open();
    Bench elsewhere(bench.location);
    elsewhere.key = bench.key;
    const auto other = elsewhere.open();
    auto writer = one->begin_backup().value();
    auto twin = other->begin_backup().value();
    const auto store = [&](vault::Writer& into) {
        io::TextSource source(content);
        const auto stored = into.store(source).value();
        vault::ComponentRecord record{ .name = "files", .kind = "files", .size_bytes = 1, .files = 1 };
        record.tree =
            into.store_tree({ { .name = "a", .size = stored.size, .content = stored } }).value();
        return into.finish({ .game = "wox", .started = now(), .components = { record } }).value();
    };
    const auto snapshot = store(writer);
    store(twin);
    const auto flipped = GENERATE(0, 1);
    auto packs = bench.location->list("packs/").value();
    REQUIRE(packs.size() == 2);
    broken(bench).files.find(packs[flipped].name)->second[2000] ^= 1;
    const auto report = bench.open()->prune({ .max_unused = 0 }, Cancellation());
    CAPTURE(report.ok() ? "" : report.error().why);
    REQUIRE(bench.restored(snapshot, "a") == content);
}

TEST_CASE("prune of a damaged vault deletes nothing") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(100'000, 1) } });
    bench.back_up({ { "b", "2" } });
    remove(bench, first);
    broken(bench).clock_is_ahead = 25h;
    const auto before = bytes_in_packs(bench);
    SECTION("an index file") {
        broken(bench).files.find(first_name(broken(bench), "index/"))->second[50] ^= 1;
    }
    SECTION("an index file that is gone") {
        broken(bench).files.erase(first_name(broken(bench), "index/"));
    }
    bench.lose_cache();
    const auto done = bench.open()->prune({}, Cancellation());
    if (!done.ok())
        REQUIRE(done.error().kind == Kind::corrupt);
    else
        must_be_sound(bench); // the lost file was that of what is not needed
    if (!done.ok())
        REQUIRE(bytes_in_packs(bench) == before);
}

TEST_CASE("the last good snapshot of a series is not removed unless that is said") {
    Bench bench;
    const auto first = bench.back_up({ { "a", "1" } });
    const auto second = bench.back_up({ { "a", "2" } });
    REQUIRE(bench.open()->remove({ first.id, second.id }, "test").error().kind == Kind::moved);
    REQUIRE(bench.open()->snapshots().value().size() == 2);
    REQUIRE(bench.open()->remove({ second.id }, "test").ok());
    REQUIRE(bench.open()->remove({ first.id }, "test").error().kind == Kind::moved);
    REQUIRE(bench.open()->remove({ first.id }, "test", true).ok());
    REQUIRE(bench.open()->snapshots().value().empty());
}
