#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

const Files content{ { "a.txt", prose(600, 1) }, { "b.bin", noise(300, 1) }, { "empty", "" } };

// Every file as it was stored, or an error; other bytes are the one thing that must never happen.
void must_not_lie(Bench& bench, const std::string& id) {
    const auto vault = bench.try_open();
    if (!vault.ok())
        return;
    const auto snapshots = vault.value()->snapshots();
    if (!snapshots.ok())
        return;
    REQUIRE(snapshots.value().size() == 1);
    REQUIRE(snapshots.value()[0].id == id);
    for (const auto& [name, bytes] : content)
        if (const auto read = restored_from(*vault.value(), snapshots.value()[0], name); read.ok())
            REQUIRE(read.value() == bytes);
}

// Every byte, or every few where all are alike: the README, the keys under their hash, a pack's blobs.
std::size_t next(std::string_view name, std::size_t at, std::size_t size) {
    const bool blobs = name.starts_with("packs/") && at > 250 && at + 500 < size;
    const bool slots = name.starts_with("keys/") && at > 40; // keys_test flips each bit of one
    return at + (slots ? 29 : blobs || name == "readme.txt" ? 7 : 1);
}

} // namespace

TEST_CASE("every flipped bit of a vault is found in the right file, and never read as something else") {
    Bench bench;
    const auto snapshot = bench.back_up(content);
    // Three slots, one of them a passphrase, in three files of which the last is in force.
    const auto recovery = vault::Unlock::recovery(crypto::Key::random());
    const auto words =
        vault::Unlock::passphrase(Secret("", "correct horse battery"), crypto::least_cost);
    REQUIRE(bench.open()->add_key(recovery, "paper").ok());
    REQUIRE(bench.open()->add_key(words, "in the head").ok());
    auto& location = static_cast<BrokenLocation&>(*bench.location);
    std::size_t flips = 0;
    for (auto& [name, bytes] : location.files)
        for (std::size_t at = 0; at < bytes.size(); at = next(name, at, bytes.size())) {
            const auto mask = static_cast<char>(1 << (at * 5 % 8));
            bytes[at] = static_cast<char>(bytes[at] ^ mask);
            const auto found = bench.check();
            INFO(name << " at " << at << " of " << bytes.size());
            REQUIRE(found.damage.size() == 1);
            REQUIRE(found.damage[0].object == name);
            must_not_lie(bench, snapshot.id);
            bytes[at] = static_cast<char>(bytes[at] ^ mask);
            ++flips;
        }
    REQUIRE(flips > 1500);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("every byte that a file of a vault is shorter or longer by is found") {
    Bench bench;
    bench.back_up(content);
    auto& location = static_cast<BrokenLocation&>(*bench.location);
    for (auto& [name, bytes] : location.files) {
        INFO(name);
        const auto whole = bytes;
        for (const auto size : { std::size_t{ 0 }, std::size_t{ 1 }, whole.size() / 2, whole.size() - 1,
                                 whole.size() + 1, whole.size() + 5000 }) {
            bytes.resize(size);
            const auto found = bench.check();
            REQUIRE(found.damage.size() == 1);
            REQUIRE(found.damage[0].object == name);
            bytes = whole;
        }
    }
}

TEST_CASE("files of a vault that changed places are found") {
    Bench bench;
    bench.back_up(content);
    bench.back_up({ { "c", noise(300, 2) } });
    auto& location = static_cast<BrokenLocation&>(*bench.location);
    for (const std::string prefix : { "packs/", "index/", "snapshots/" }) {
        auto one = location.files.lower_bound(prefix);
        const auto two = std::next(one);
        std::swap(one->second, two->second);
        const auto found = bench.check();
        INFO(prefix);
        REQUIRE(found.damage.size() >= 2);
        for (const auto& damage : found.damage)
            REQUIRE(damage.object.starts_with(prefix));
        std::swap(one->second, two->second);
    }
    REQUIRE(bench.damage().empty());
}
