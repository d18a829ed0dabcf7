#include "base/bytes.h"
#include "io/gunzip.h"
#include "io/piecewise.h"

#include <catch2/catch.hpp>

using namespace respawn;

namespace {

constexpr std::string_view unpacked = "one duel, two duels, three duels\n";
// As gzip writes it.
std::string packed_bytes() {
    return from_hex("1f8b08000000000002ffcbcf4b5548294dcdd1512829cf07b38a81cc8ca25488703117003926c227"
                    "21000000")
        .value();
}

Result<std::string> unpack(std::string_view bytes, std::size_t step = SIZE_MAX) {
    return io::read_all(*io::gunzipped(std::make_unique<testing::Piecewise>(bytes, step)));
}

} // namespace

TEST_CASE("what gzip packed comes out, however it is read, and member after member", "[gunzip]") {
    const auto one = packed_bytes();
    CHECK(unpack(one).value() == unpacked);
    CHECK(unpack(one, 1).value() == unpacked);
    CHECK(unpack(one + one, 3).value() == std::string(unpacked) + std::string(unpacked));
}

TEST_CASE("packed bytes that end early are never whole", "[gunzip]") {
    const auto two = packed_bytes() + packed_bytes();
    for (std::size_t size = 0; size < two.size(); ++size)
        if (size != two.size() / 2) {
            INFO(size << " bytes");
            CHECK(unpack(two.substr(0, size)).error().kind == Kind::corrupt);
        }
}

TEST_CASE("a bit that fell over is an error, or of no meaning", "[gunzip]") {
    const auto right = packed_bytes();
    for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
        auto bent = right;
        bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ (1 << (bit % 8)));
        const auto found = unpack(bent);
        INFO("bit " << bit);
        CHECK((found.ok() ? found.value() == unpacked : found.error().kind == Kind::corrupt));
    }
}
