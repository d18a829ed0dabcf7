#include "base/id.h"
#include "base/text.h"
#include "base/time.h"

#include <catch2/catch.hpp>

using namespace respawn;

TEST_CASE("moments are written and read in UTC") {
    const auto moment = from_rfc3339("2026-11-21T10:34:05.000250Z").value();
    REQUIRE(to_rfc3339(moment) == "2026-11-21T10:34:05.000250Z");
    REQUIRE(from_rfc3339("2026-11-21T12:34:05.00025+02:00").value() == moment);
    REQUIRE(to_rfc3339({ -1 }) == "1969-12-31T23:59:59.999999Z");
    for (const auto* bad : { "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21T25:00:00Z",
                             "2026-11-21T10:34:05Zx", "" })
        REQUIRE(from_rfc3339(bad).error().kind == Kind::usage);
}

TEST_CASE("people name moments in several ways") {
    const auto present = from_rfc3339("2026-11-21T10:34:05Z").value();
    REQUIRE(to_rfc3339(parse_moment("yesterday", present).value()) == "2026-11-20T00:00:00Z");
    REQUIRE(to_rfc3339(parse_moment("-2h", present).value()) == "2026-11-21T08:34:05Z");
    REQUIRE(to_rfc3339(parse_moment("2026-11-21", present).value()) == "2026-11-21T00:00:00Z");
    REQUIRE(to_rfc3339(parse_moment("2026-11-21 09:30", present).value()) == "2026-11-21T09:30:00Z");
    REQUIRE(parse_moment("soon", present).error().kind == Kind::usage);
}

TEST_CASE("durations are read and shown with units") {
    REQUIRE(parse_duration("90s").value() == std::chrono::seconds(90));
    REQUIRE(parse_duration("2h").value() == std::chrono::hours(2));
    REQUIRE_FALSE(parse_duration("90").ok());
    REQUIRE(human_duration(std::chrono::minutes(192)) == "3 h 12 min");
}

TEST_CASE("ids sort by the time they were made, also within a millisecond") {
    auto before = make_ulid({ 1'000'000 });
    for (int i = 0; i < 1000; ++i) {
        const auto id = make_ulid({ 1'000'000 });
        REQUIRE(is_ulid(id));
        REQUIRE(before < id);
        before = id;
    }
}

TEST_CASE("a mistyped word finds its neighbour and nothing far away") {
    REQUIRE(nearest("componets", { "components", "vault" }) == "components");
    REQUIRE(nearest("zebra", { "components", "vault" }).empty());
}

TEST_CASE("patterns match names as a shell does") {
    REQUIRE(matches_pattern("a.pyc", "*.pyc"));
    REQUIRE_FALSE(matches_pattern("a/b.pyc", "*.pyc"));
    REQUIRE(matches_pattern("a/b/c.tmp", "a/**.tmp"));
}

TEST_CASE("nouns are counted as people write them") {
    REQUIRE(counted(1, "match") == "1 match");
    REQUIRE(counted(2, "match") == "2 matches");
    REQUIRE(counted(0, "entry") == "0 entries");
    REQUIRE(counted(3, "day") == "3 days");
}
