#include "base/bytes.h"
#include "crypto/crypto.h"
#include "location/locations.h"

#include <catch2/catch.hpp>
#include <functional>

using namespace respawn;
using location::whole;

namespace {

// Where a location of its own comes from: one line per kind.
struct Rig {
    std::string scheme;
    std::function<std::string(const io::Path& folder)> url;
};

std::vector<Rig> location_rigs() {
    return { { "file", [](const io::Path& folder) { return "file://" + (folder / "vault").string(); } },
             { "memory", [](const io::Path& folder) { return "memory:" + folder.string(); } } };
}

Result<void> put(location::Location& location, std::string_view name, std::string_view bytes) {
    io::TextSource source(bytes);
    return location.create(name, source);
}

} // namespace

TEST_CASE("every location keeps its promises", "[contract]") {
    const auto rig = GENERATE(from_range(location_rigs()));
    const auto folder = io::TemporaryFolder::make().value();
    DYNAMIC_SECTION(rig.scheme) {
        const auto location = location::open_location(rig.url(folder.path())).value();
        SECTION("an empty one lists nothing and knows no name") {
            REQUIRE(location->list("").value().empty());
            REQUIRE(location->list("packs/").value().empty());
            REQUIRE(location->read("packs/8a", whole).error().kind == Kind::missing);
            REQUIRE(location->remove("packs/8a").ok());
        }
        REQUIRE(put(*location, "packs/8a", "old").ok());
        SECTION("other bytes under a known name are refused and change nothing") {
            REQUIRE(put(*location, "packs/8a", "new").error().kind == Kind::conflict);
            REQUIRE(put(*location, "packs/8a", "olde").error().kind == Kind::conflict);
            REQUIRE(location->read("packs/8a", whole).value() == "old");
        }
        SECTION("the same bytes again are a success") {
            REQUIRE(put(*location, "packs/8a", "old").ok());
        }
        SECTION("any stretch can be read, shorter at the end") {
            REQUIRE(location->read("packs/8a", { 1, 1 }).value() == "l");
            REQUIRE(location->read("packs/8a", { 1, 100 }).value() == "ld");
            REQUIRE(location->read("packs/8a", { 3, 1 }).value().empty());
            REQUIRE(location->read("packs/8a", { UINT64_MAX, UINT64_MAX }).value().empty());
        }
        SECTION("a listing has names and sizes below a prefix, in order") {
            REQUIRE(put(*location, "packs/03", "12345").ok());
            REQUIRE(put(*location, "packs/aa/1", "").ok());
            REQUIRE(put(*location, "readme.txt", "x").ok());
            using Entries = std::vector<location::Entry>;
            REQUIRE(location->list("packs/").value() ==
                    Entries{ { "packs/03", 5 }, { "packs/8a", 3 }, { "packs/aa/1", 0 } });
            REQUIRE(location->list("packs/a").value() == Entries{ { "packs/aa/1", 0 } });
            REQUIRE(location->list("").value().size() == 4);
        }
        SECTION("a removed file is missing, and its name free") {
            REQUIRE(location->remove("packs/8a").ok());
            REQUIRE(location->read("packs/8a", whole).error().kind == Kind::missing);
            REQUIRE(put(*location, "packs/8a", "new").ok());
        }
        SECTION("its clock goes, and asking for the time leaves nothing behind") {
            const auto before = location->now().value();
            REQUIRE(location->now().value() >= before);
            REQUIRE(std::abs((now() - before).count()) < 60'000'000);
            REQUIRE(location->list("").value().size() == 1);
        }
        SECTION("a name that leads outside, or that not every system takes, is refused") {
            for (const auto* name : { "", "/", "../x", "a/../x", "a//b", "/a", "a/", ".x", "a/.x", "A",
                                      "a b", "a\\b", "a\n" }) {
                CAPTURE(name);
                REQUIRE(put(*location, name, "x").error().kind == Kind::usage);
                REQUIRE(location->read(name, whole).error().kind == Kind::usage);
                REQUIRE(location->remove(name).error().kind == Kind::usage);
            }
        }
        SECTION("bytes come back as they were, whatever they are") {
            const auto bytes = crypto::random_bytes(3'000'000);
            REQUIRE(put(*location, "big", bytes).ok());
            REQUIRE(location->read("big", whole).value() == bytes);
        }
    }
}

TEST_CASE("a location opened twice is the same one") {
    const auto folder = io::TemporaryFolder::make().value();
    for (const auto& rig : location_rigs()) {
        const auto url = rig.url(folder.path());
        REQUIRE(put(*location::open_location(url).value(), "a", "1").ok());
        REQUIRE(location::open_location(url).value()->read("a", whole).value() == "1");
    }
}

TEST_CASE("an unknown kind of location is refused, and the known ones are named") {
    const auto error = location::open_location("ftp://somewhere/else").error();
    REQUIRE(error.kind == Kind::usage);
    REQUIRE_THAT(error.fix, Catch::Contains("file:///"));
}

TEST_CASE("a plain path is a folder, and opening it makes nothing") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto path = folder.path() / "new";
    REQUIRE(location::open_location(path.string()).value()->list("").value().empty());
    REQUIRE_FALSE(io::is_there(path));
}

TEST_CASE("what a killed writer left in a folder is not listed, and goes once it is surely stale") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto fresh = folder.path() / ".1.0123456789abcdef.new";
    const auto stale = folder.path() / ".2.0123456789abcdef.new";
    const auto other = folder.path() / ".gitignore";
    for (const auto& path : { fresh, stale, other })
        REQUIRE(io::create_durably(path, "half").ok());
    for (const auto& path : { stale, other })
        std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() -
                                                   std::chrono::hours(49));
    const auto location = location::open_location(folder.path().string()).value();
    REQUIRE(location->list("").value().empty());
    REQUIRE(put(*location, "a", "1").ok());
    REQUIRE(io::is_there(fresh));
    REQUIRE(io::is_there(other));
    REQUIRE_FALSE(io::is_there(stale));
}
