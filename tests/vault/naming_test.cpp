#include "vault/vault.h"

#include <catch2/catch.hpp>

using namespace respawn;
using Catch::Contains;
using vault::find_snapshot;

namespace {

constexpr std::int64_t hour = 3'600'000'000;
const Moment present{ 1'795'258'800'000'000 }; // 2026-11-21T11:00:00Z

vault::Snapshot snapshot(std::string id, std::string plan, int hours_ago,
                         std::vector<std::string> components) {
    vault::Snapshot made{ .id = std::move(id), .plan = std::move(plan) };
    made.started = present.microseconds - hours_ago * hour;
    for (auto& name : components)
        made.components.push_back({ .name = name, .size_bytes = 1, .files = 1 });
    return made;
}

// Oldest first: a full one, one of the database alone, one that failed.
std::vector<vault::Snapshot> some() {
    auto all =
        std::vector{ snapshot("01AAAAAAAAAAAAAAAAAAAAAAA1", "daily", 30, { "database", "memory" }),
                     snapshot("01AAAAAAAAAAAAAAAAAAAAAAA2", "daily", 6, { "database", "memory" }),
                     snapshot("01AABBBBBBBBBBBBBBBBBBBBB3", "critical", 2, { "database" }),
                     snapshot("01ACCCCCCCCCCCCCCCCCCCCCC4", "daily", 1, { "database", "memory" }) };
    all[3].components[1].success = false;
    all[3].components[1].error = "the folder is gone";
    return all;
}

std::string named(std::string_view name, const std::vector<std::string>& needs = {}) {
    return find_snapshot(some(), name, needs, present).value().id.substr(25);
}

} // namespace

TEST_CASE("a snapshot is named by its id or by the beginning of it, in either case") {
    REQUIRE(named("01AAAAAAAAAAAAAAAAAAAAAAA2") == "2");
    REQUIRE(named("01AAB") == "3");
    REQUIRE(named("01aab") == "3");
}

TEST_CASE("a beginning of several is a conflict that shows them") {
    const auto error = find_snapshot(some(), "01AAAA", {}, present).error();
    REQUIRE(error.kind == Kind::conflict);
    REQUIRE_THAT(error.why,
                 Contains("01AAAAAAAAAAAAAAAAAAAAAAA1") && Contains("01AAAAAAAAAAAAAAAAAAAAAAA2"));
    REQUIRE_THAT(error.why, !Contains("01AAB"));
}

TEST_CASE("an unknown name says what there is") {
    const auto error = find_snapshot(some(), "77", {}, present).error();
    REQUIRE(error.kind == Kind::missing);
    REQUIRE_THAT(error.why, Contains("the newest is 01ACCC"));
    REQUIRE(find_snapshot(some(), "", {}, present).error().kind == Kind::missing);
    REQUIRE(find_snapshot({}, "latest", {}, present).error().kind == Kind::missing);
}

TEST_CASE("latest is the newest good one that holds all of what is asked") {
    REQUIRE(named("latest") == "3");
    REQUIRE(named("latest", { "database" }) == "3");
    REQUIRE(named("latest", { "memory" }) == "2");
    REQUIRE(named("latest", { "database", "memory" }) == "2");
    REQUIRE(named("latest:daily") == "2");
    REQUIRE(named("latest:critical") == "3");
    const auto error = find_snapshot(some(), "latest", { "redis" }, present).error();
    REQUIRE(error.kind == Kind::missing);
    REQUIRE_THAT(error.fix, Contains("01ACCCCCCCCCCCCCCCCCCCCCC4"));
    REQUIRE_THAT(find_snapshot(some(), "latest:weekly", {}, present).error().fix,
                 Contains("daily, critical"));
}

TEST_CASE("a time means the newest good one not after it") {
    REQUIRE(named("@-1h") == "3");
    REQUIRE(named("@-5h") == "2");
    REQUIRE(named("@2026-11-21T04:59:00Z") == "1");
    REQUIRE(named("@today") == "1");
    REQUIRE(named("@-2h", { "memory" }) == "2");
    REQUIRE_THAT(find_snapshot(some(), "@2020-01-01", {}, present).error().why,
                 Contains("the oldest is 01AAAAAAAAAAAAAAAAAAAAAAA1"));
    REQUIRE(find_snapshot(some(), "@soon", {}, present).error().kind == Kind::usage);
}

TEST_CASE("a component that succeeded with nothing in it makes no good snapshot") {
    auto all = some();
    all[2].components[0].size_bytes = all[2].components[0].files = 0;
    REQUIRE_FALSE(all[2].good());
    REQUIRE(find_snapshot(all, "latest", {}, present).value().id.back() == '2');
}

TEST_CASE("a snapshot of some tables stands for these and for nothing that is whole") {
    auto all = some();
    auto& part = all[2].components[0];
    part.detail = Value::Map{ { "only", Value::List{ "players", "duels" } } };
    const auto meant = [&](std::string_view name, const std::vector<std::string>& needs) {
        const auto found = find_snapshot(all, name, needs, present);
        return found.ok() ? found.value().id.substr(25) : "none";
    };
    REQUIRE(meant("latest", {}) == "2");
    REQUIRE(meant("latest", { "database" }) == "2");
    REQUIRE(meant("latest", { "database/players" }) == "3");
    REQUIRE(meant("latest", { "database/logs" }) == "2");
    REQUIRE(meant("latest", { "database/players", "memory" }) == "2");
    REQUIRE(meant("latest:critical", {}) == "3");
    REQUIRE(meant("latest:critical", { "database" }) == "none");
    REQUIRE_FALSE(part.holds(""));
    REQUIRE(part.holds("duels"));
}
