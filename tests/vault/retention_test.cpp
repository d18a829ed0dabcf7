#include "vault/retention.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <random>
#include <set>

using namespace respawn;
using namespace std::chrono_literals;
using vault::KeepRules;
using vault::Snapshot;

namespace {

const Moment kept_at = from_rfc3339("2026-11-21T10:34:05Z").value();

Snapshot taken(Moment at, std::string plan = "daily", std::string type = "full", bool good = true) {
    Snapshot snapshot{ .id = to_rfc3339(at) + plan + type,
                       .plan = std::move(plan),
                       .type = std::move(type),
                       .started = at.microseconds,
                       .stored_bytes = 100 };
    snapshot.components.push_back({ .name = "a", .size_bytes = 1, .files = 1, .success = good });
    return snapshot;
}

Snapshot days_ago(int days) { return taken(kept_at + -24h * days); }

// Oldest first, as a vault lists them: one a day.
std::vector<Snapshot> daily(int count) {
    std::vector<Snapshot> all;
    for (int day = count - 1; day >= 0; --day)
        all.push_back(days_ago(day));
    return all;
}

vault::Retention decide(const std::vector<Snapshot>& all, KeepRules rules, Moment at = kept_at) {
    return vault::decide_retention(
        all, [&](const Snapshot&) { return rules; }, at, at);
}

std::set<std::string> kept(const std::vector<Snapshot>& all, KeepRules rules, Moment at = kept_at) {
    std::set<std::string> ids;
    for (const auto& verdict : decide(all, rules, at).verdicts)
        if (verdict.keep)
            ids.insert(verdict.id);
    return ids;
}

} // namespace

TEST_CASE("each rule keeps what it says") {
    const auto year = daily(500);
    CHECK(kept(year, { .daily = 7 }).size() == 7);
    CHECK(kept(year, { .weekly = 4 }).size() == 4);
    CHECK(kept(year, { .monthly = 12 }).size() == 12);
    CHECK(kept(year, { .yearly = 3 }).size() == 2); // there are but two
    CHECK(kept(year, { .days = 30 }).size() == 31); // the one of exactly 30 days ago as well
    CHECK(kept(year, { .hours = 24 }).size() == 2);
    CHECK(kept(year, { .backups = 5 }).size() == 5);
    CHECK(kept(year, { .bytes = 1000 }).size() == 10);
    CHECK(kept(year, {}).size() == 500);
    CHECK(kept(year, { .days = 30, .backups = 5 }).size() == 5);
    // 7 days, 2 more weeks, 11 more months; the last of 2025 is one of these.
    CHECK(kept(year, { .daily = 7, .weekly = 4, .monthly = 12, .yearly = 3 }).size() == 20);
}

TEST_CASE("of a day with many, the newest good one takes its place") {
    std::vector<Snapshot> all{ taken(kept_at + -3h), taken(kept_at + -2h),
                               taken(kept_at + -1h, "daily", "full", false) };
    const auto verdicts = decide(all, { .daily = 1 }).verdicts;
    CHECK_FALSE(verdicts[0].keep);
    CHECK(verdicts[1].keep);
    CHECK(verdicts[2].keep); // not whole, and nothing good is newer
    CHECK(verdicts[1].why == "daily 1 of 1");
}

TEST_CASE("a snapshot from the future is kept, takes nobody's place, and a person has to look") {
    auto all = daily(10);
    all.push_back(taken(kept_at + 24h * 3650));
    const auto decided = decide(all, { .daily = 8 });
    CHECK(decided.verdicts.back().keep);
    CHECK(decided.going().size() == 2);
    REQUIRE(decided.concerns.size() == 1);
    CHECK_THAT(decided.concerns[0], Catch::Contains("has not come yet"));
}

TEST_CASE("a large cleanup and a clock that jumped are for a person, an ordinary one is not") {
    CHECK(decide(daily(8), { .daily = 7 }).concerns.empty());
    CHECK(decide(daily(9), { .daily = 6 }).concerns.empty());
    CHECK(decide(daily(9), { .daily = 5 }).concerns.size() == 1);
    CHECK(decide(daily(2), { .backups = 1 }).concerns.empty());
    for (const auto years : { 10, -10 }) {
        const auto at = kept_at + 24h * 365 * years;
        const auto decided = vault::decide_retention(
            daily(40), [](const Snapshot&) { return KeepRules{ .days = 30 }; }, at, kept_at);
        INFO(years);
        CHECK(decided.going().empty() == (years < 0)); // all of them are suspect then
        CHECK(decided.concerns.empty() == (years < 0));
    }
}

TEST_CASE("whatever the rules and the clock: what must stay stays", "[property]") {
    const auto seed = GENERATE(range(0u, 300u));
    std::mt19937 random(seed);
    const auto up_to = [&](int most) {
        return static_cast<int>(random() % static_cast<unsigned>(most + 1));
    };
    std::vector<Snapshot> all;
    const char* plans[] = { "", "daily", "critical" };
    const char* types[] = { "full", "incremental", "manual" };
    for (int count = up_to(60); count > 0; --count) {
        auto at = kept_at + -1min * up_to(60 * 24 * 400);
        if (up_to(20) == 0)
            at = kept_at + 24h * (up_to(1) ? 3650 : -3650) + -1min * up_to(1000);
        all.push_back(taken(at, plans[up_to(2)], types[up_to(2)], up_to(4) != 0));
    }
    std::ranges::sort(all, {}, &Snapshot::started);
    KeepRules rules;
    for (auto* rule : { &rules.hours, &rules.days, &rules.hourly, &rules.daily, &rules.weekly,
                        &rules.monthly, &rules.yearly, &rules.backups })
        *rule = up_to(2) == 0 ? up_to(10) : 0;
    rules.bytes = up_to(3) == 0 ? up_to(2000) : 0;
    const auto at = kept_at + 24h * 365 * (up_to(20) - 10) * (up_to(3) == 0 ? 1 : 0);
    const auto decided = decide(all, rules, at);
    CAPTURE(seed);
    REQUIRE(decided.verdicts.size() == all.size());
    std::map<std::string, const Snapshot*> last_good;
    std::set<std::string> ids;
    for (const auto& snapshot : all)
        if (snapshot.good() && Moment{ snapshot.started } - at <= 24h)
            last_good[snapshot.plan + "/" + snapshot.type] = &snapshot;
    std::map<std::string, std::pair<int, int>> counts; // of a series: going, all
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& verdict = decided.verdicts[i];
        const auto series = all[i].plan + "/" + all[i].type;
        REQUIRE(verdict.id == all[i].id);
        REQUIRE_FALSE(verdict.why.empty());
        const bool suspect = Moment{ all[i].started } - at > 24h;
        if (suspect || last_good[series] == &all[i] || !rules.any())
            REQUIRE(verdict.keep);
        if (!verdict.keep) // a good one that is newer is left
            REQUIRE(last_good[series]->started >= all[i].started);
        counts[series].first += verdict.keep ? 0 : 1;
        counts[series].second += suspect ? 0 : 1;
    }
    for (const auto& [series, count] : counts)
        if (count.first > 1 && count.first * 3 > count.second)
            REQUIRE_FALSE(decided.concerns.empty());
    // Doing it changes nothing for those that stay.
    std::vector<Snapshot> rest;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (decided.verdicts[i].keep)
            rest.push_back(all[i]);
    REQUIRE(decide(rest, rules, at).going().empty());
}
