#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;

TEST_CASE("what is stored comes back, byte for byte") {
    Bench bench;
    for (const auto size : { std::size_t{ 0 }, std::size_t{ 1 }, std::size_t{ 3'000'000 } }) {
        const auto bytes = noise(size, 7);
        const auto snapshot = bench.back_up({ { "a", bytes } });
        REQUIRE(bench.restored(snapshot, "a") == bytes);
    }
    REQUIRE(bench.open()->snapshots().value().size() == 3);
}
