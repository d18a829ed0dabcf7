#include "vault/retention.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace respawn::vault {

namespace {

using Days = std::chrono::days;

constexpr auto keeping_slack = std::chrono::hours(24);
constexpr auto longest_pause = std::chrono::hours(24) * 32;

// Within the years 1970 to 9999, whatever a snapshot says of itself, so that nothing overflows.
Moment time_of(const Snapshot& snapshot) {
    constexpr std::int64_t end_of_9999 = 253'402'300'799'000'000;
    return { std::clamp<std::int64_t>(snapshot.started, 0, end_of_9999) };
}

// Numbers that are the same for all moments of one hour, day, week (from Monday), month or year, UTC.
std::int64_t hour_number(Moment at) { return at.microseconds / 3'600'000'000; }
std::int64_t day_number(Moment at) { return hour_number(at) / 24; }
std::int64_t week_number(Moment at) { return (day_number(at) + 3) / 7; } // 1970 began on a Thursday
std::int64_t month_number(Moment at) {
    const std::chrono::year_month_day date{ std::chrono::sys_days(Days(day_number(at))) };
    return std::int64_t{ static_cast<int>(date.year()) } * 12 + static_cast<unsigned>(date.month()) - 1;
}
std::int64_t year_number(Moment at) { return month_number(at) / 12; }

struct Bucket {
    std::string_view name;
    std::int64_t KeepRules::*most;
    std::int64_t (*number)(Moment);
};
constexpr std::array buckets = {
    Bucket{ "hourly", &KeepRules::hourly, hour_number },
    Bucket{ "daily", &KeepRules::daily, day_number },
    Bucket{ "weekly", &KeepRules::weekly, week_number },
    Bucket{ "monthly", &KeepRules::monthly, month_number },
    Bucket{ "yearly", &KeepRules::yearly, year_number },
};

// One series: its snapshots that are not suspect, newest first.
class Series {
  public:
    Series(std::vector<const Snapshot*> newest_first, KeepRules rules, Moment present)
        : snapshots_(std::move(newest_first)), rules_(rules), present_(present),
          why_(snapshots_.size()) {
        const auto good = std::ranges::find_if(snapshots_, [](const auto* one) { return one->good(); });
        last_good_ = static_cast<std::size_t>(good - snapshots_.begin());
    }

    // Why each is kept; empty for those that go.
    std::vector<std::string> decide() {
        if (rules_.hours > 0)
            keep_younger(std::chrono::hours(std::min(rules_.hours, most_hours)), "hours", rules_.hours);
        if (rules_.days > 0)
            keep_younger(std::chrono::hours(24) * std::min(rules_.days, most_hours / 24), "days",
                         rules_.days);
        for (const auto& bucket : buckets)
            keep_buckets(bucket);
        if (only_limits())
            for (auto& why : why_)
                why = "within the limits";
        limit();
        keep_what_must_stay();
        return why_;
    }

  private:
    static constexpr std::int64_t most_hours = 24 * 366 * 1000;

    bool only_limits() const {
        auto others = rules_;
        others.backups = others.bytes = 0;
        return !others.any();
    }

    void keep_younger(Duration age, std::string_view unit, std::int64_t count) {
        for (std::size_t i = 0; i < snapshots_.size(); ++i)
            if (why_[i].empty() && present_ - time_of(*snapshots_[i]) <= age)
                why_[i] = fmt::format("of the last {} {}", count, unit);
    }

    // The newest good one of each period takes its place.
    void keep_buckets(const Bucket& bucket) {
        std::int64_t taken = 0;
        std::optional<std::int64_t> last;
        for (std::size_t i = 0; i < snapshots_.size() && taken < rules_.*bucket.most; ++i) {
            const auto number = bucket.number(time_of(*snapshots_[i]));
            if (!snapshots_[i]->good() || last == number)
                continue;
            last = number;
            ++taken;
            if (why_[i].empty())
                why_[i] = fmt::format("{} {} of {}", bucket.name, taken, rules_.*bucket.most);
        }
    }

    void limit() {
        std::int64_t count = 0;
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < snapshots_.size(); ++i) {
            if (why_[i].empty())
                continue;
            ++count;
            bytes += snapshots_[i]->stored_bytes;
            if ((rules_.backups > 0 && count > rules_.backups) ||
                (rules_.bytes > 0 && bytes > static_cast<std::uint64_t>(rules_.bytes)))
                why_[i].clear();
        }
    }

    void keep_what_must_stay() {
        for (std::size_t i = 0; i < snapshots_.size(); ++i)
            if (i < last_good_)
                why_[i] = last_good_ < snapshots_.size() ? "not whole, newer than the last good one"
                                                         : "not whole, and there is no good one";
        if (last_good_ < snapshots_.size() && why_[last_good_].empty())
            why_[last_good_] = "the last good one";
    }

    std::vector<const Snapshot*> snapshots_;
    KeepRules rules_;
    Moment present_;
    std::vector<std::string> why_;
    std::size_t last_good_ = 0;
};

using SeriesName = std::pair<std::string, std::string>; // plan, type

std::string text_of(const SeriesName& name) {
    return name.first.empty()
               ? fmt::format("{} backups without a plan", printable(name.second))
               : fmt::format("{} backups of plan {}", printable(name.second), printable(name.first));
}

void clock_concerns(Retention& retention, const std::vector<Snapshot>& snapshots, Moment present,
                    std::optional<Moment> last_used) {
    auto newest = last_used;
    for (const auto& snapshot : snapshots) {
        newest = std::max(newest.value_or(Moment{}), time_of(snapshot));
        if (time_of(snapshot) - present > keeping_slack)
            retention.concerns.push_back(fmt::format(
                "snapshot {} was taken at {}, which has not come yet: it is kept and not counted",
                snapshot.id, to_rfc3339(time_of(snapshot), true)));
    }
    if (last_used && *last_used - present > keeping_slack)
        retention.concerns.push_back(
            fmt::format("the clock went back: the last cleanup was at {}, and now it is {}",
                        to_rfc3339(*last_used, true), to_rfc3339(present, true)));
    if (newest && present - *newest > longest_pause)
        retention.concerns.push_back(fmt::format(
            "neither a backup nor a cleanup since {}: backups have stopped, or the clock jumped",
            to_rfc3339(*newest, true)));
}

} // namespace

bool KeepRules::any() const {
    return hours > 0 || days > 0 || hourly > 0 || daily > 0 || weekly > 0 || monthly > 0 ||
           yearly > 0 || backups > 0 || bytes > 0;
}

std::vector<std::string> Retention::going() const {
    std::vector<std::string> ids;
    for (const auto& verdict : verdicts)
        if (!verdict.keep)
            ids.push_back(verdict.id);
    return ids;
}

Retention decide_retention(const std::vector<Snapshot>& snapshots, const RulesFor& rules,
                           Moment present, std::optional<Moment> last_used) {
    Retention retention;
    std::map<SeriesName, std::vector<std::size_t>> series;
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        const auto& snapshot = snapshots[i];
        const bool suspect = time_of(snapshot) - present > keeping_slack;
        retention.verdicts.push_back(
            { snapshot.id, true, suspect ? "suspect: from the future" : "no rule" });
        if (const auto found = rules(snapshot); !suspect && found && found->any())
            series[{ snapshot.plan, snapshot.type }].push_back(i);
    }
    for (auto& [name, members] : series) {
        std::ranges::stable_sort(members, std::greater(),
                                 [&](std::size_t i) { return time_of(snapshots[i]); });
        std::vector<const Snapshot*> newest_first;
        for (const auto i : members)
            newest_first.push_back(&snapshots[i]);
        const auto why = Series(newest_first, *rules(*newest_first.front()), present).decide();
        std::size_t going = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            auto& verdict = retention.verdicts[members[i]];
            verdict.keep = !why[i].empty();
            verdict.why = verdict.keep ? why[i] : "no rule keeps it any longer";
            going += verdict.keep ? 0 : 1;
        }
        if (going > 1 && going * 3 > members.size())
            retention.concerns.push_back(fmt::format("{} of {} {} would go: more than a third", going,
                                                     members.size(), text_of(name)));
    }
    if (!retention.going().empty())
        clock_concerns(retention, snapshots, present, last_used);
    return retention;
}

} // namespace respawn::vault
