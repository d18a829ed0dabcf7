#include "chain/hex.h"

#include <catch2/catch.hpp>

using namespace respawn;

TEST_CASE("quantities are read exactly or refused") {
    CHECK(chain::from_quantity("0x0").value() == 0);
    CHECK(chain::from_quantity("0x1F").value() == 31);
    CHECK(chain::from_quantity("0x7fffffffffffffff").value() == INT64_MAX);
    for (const auto* text : { "", "0x", "12", "0x8000000000000000", "0x1g", "0x-1", "0x 1",
                              "0x00000000000000000000000000001000000000000000000" })
        CHECK(chain::from_quantity(text).error().kind == Kind::corrupt);
    CHECK(chain::to_quantity(31) == "0x1f");
}

TEST_CASE("256-bit amounts become decimals") {
    const auto word = [](const std::string& digits) {
        return "0x" + std::string(64 - digits.size(), '0') + digits;
    };
    CHECK(chain::to_decimal(word("")).value() == "0");
    CHECK(chain::to_decimal(word("2b5e3af16b1880000")).value() == "50000000000000000000");
    CHECK(chain::to_decimal("0x" + std::string(64, 'f')).value() ==
          "115792089237316195423570985008687907853269984665640564039457584007913129639935");
    CHECK_FALSE(chain::to_decimal("0x" + std::string(65, 'f')).ok());
    CHECK_FALSE(chain::to_decimal("0x" + std::string(64, 'g')).ok());
}

TEST_CASE("an address goes through a topic and back, and a dirty topic is refused") {
    const std::string address = "0x00000000000000000000000000000000000000ab";
    CHECK(chain::from_topic(chain::to_topic(address)).value() == address);
    CHECK_FALSE(chain::from_topic("0x1" + chain::to_topic(address).substr(3)).ok());
    CHECK(chain::is_address(address));
    CHECK_FALSE(chain::is_address(address + "0"));
    CHECK_FALSE(chain::is_hash(address));
}
