#include "base/result.h"

#include <catch2/catch.hpp>
#include <span>
#include <vector>

using namespace respawn;

namespace {

// Not what was there before: memory that says otherwise lies under it.
template <class T> Result<std::optional<T>> nothing() { return std::nullopt; }

} // namespace

TEST_CASE("a result that holds no optional value is a result") {
    std::vector<unsigned char> memory(sizeof(Result<std::optional<std::span<const int>>>), 0xff);
    using Found = Result<std::optional<std::span<const int>>>;
    auto* const found = new (memory.data()) Found(nothing<std::span<const int>>());
    REQUIRE(found->ok());
    CHECK_FALSE(found->value().has_value());
    new (found) Found(std::nullopt);
    CHECK_FALSE(found->value().has_value());
    std::destroy_at(found);
}
