#include "base/value.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace respawn;

namespace {

Value sample() {
    return Value::Map{ { "blob", Blob{ std::string("\0\xff", 2) } },
                       { "half", 0.5 },
                       { "list", Value::List{ 1, "two", nullptr, true } },
                       { "min", INT64_MIN },
                       { "now", Symbol{ "now" } } };
}

} // namespace

TEST_CASE("a value comes back from its encoding as it was") {
    REQUIRE(decode(encode(sample())).value() == sample());
}

TEST_CASE("every shortened encoding is refused, none is read past its end") {
    const auto bytes = encode(sample());
    for (std::size_t length = 0; length < bytes.size(); ++length)
        REQUIRE(decode(std::string_view(bytes).substr(0, length)).error().kind == Kind::corrupt);
    REQUIRE(decode(bytes + "x").error().kind == Kind::corrupt);
}

TEST_CASE("a value nested deeper than allowed is refused instead of exhausting the stack") {
    std::string nested;
    for (int i = 0; i < 1'000'000; ++i)
        nested += std::string("\x08\x01\0\0\0", 5); // a list of one list of one list …
    REQUIRE(decode(nested).error().kind == Kind::corrupt);
    REQUIRE(from_json(std::string(1'000'000, '[')).error().kind == Kind::corrupt);
}

TEST_CASE("a list that claims more items than it has bytes is refused before memory is taken") {
    REQUIRE(decode(std::string("\x08\xff\xff\xff\xff", 5)).error().kind == Kind::corrupt);
}

TEST_CASE("maps with keys out of order have no second encoding") {
    std::string swapped("\x09\x02\0\0\0\x01\0\0\0b\0\x01\0\0\0a\0", 17);
    REQUIRE(decode(swapped).error().kind == Kind::corrupt);
}

TEST_CASE("whole numbers stay whole through JSON, and control characters never reach a terminal") {
    REQUIRE(from_json("{\"gold\": 9007199254740993}").value().integer_at("gold") == 9007199254740993);
    REQUIRE(to_text(Value("a\x1b[31m\n")) == "'a\\x1b[31m\\n'");
    REQUIRE(to_json(sample()).find("\"$blob\":\"00ff\"") != std::string::npos);
}

TEST_CASE("of all the ways to write not-a-number one is taken") {
    REQUIRE(decode(std::string("\x04\xff\xff\xff\xff\xff\xff\xff\x7f", 9)).error().kind ==
            Kind::corrupt);
    REQUIRE(decode(encode(Value(std::nan("")))).ok());
}
