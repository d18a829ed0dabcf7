#include "run/keeping.h"

namespace respawn::run {

namespace {

vault::KeepRules rules_of(const config::KeepSettings& keep) {
    const auto count = [&](const char* name) {
        const auto found = keep.find(name);
        return found == keep.end() ? 0 : found->second;
    };
    return { .hours = count("hours"),
             .days = count("days"),
             .hourly = count("hourly"),
             .daily = count("daily"),
             .weekly = count("weekly"),
             .monthly = count("monthly"),
             .yearly = count("yearly"),
             .backups = count("backups"),
             .bytes = count("bytes") };
}

// What holds when the configuration does not say: docs/keeping.md.
std::optional<vault::KeepRules> usual_rules(const std::string& type) {
    if (type == "full")
        return vault::KeepRules{ .daily = 7, .weekly = 4, .monthly = 12, .yearly = 3 };
    static const std::map<std::string, std::int64_t> days = {
        { "incremental", 1 }, { "auto_daily", 30 },    { "manual", 30 },
        { "pre_update", 30 }, { "pre_migration", 60 }, { "emergency", 90 }
    };
    const auto found = days.find(type);
    if (found == days.end())
        return std::nullopt;
    return vault::KeepRules{ .days = found->second };
}

std::optional<vault::KeepRules> rules_of_type(const config::Config& config, const std::string& type) {
    const auto found = config.keep.find(type);
    return found == config.keep.end() ? usual_rules(type) : rules_of(found->second);
}

std::optional<vault::KeepRules> rules_for(const config::Config& config,
                                          const vault::Snapshot& snapshot) {
    if (snapshot.plan.empty())
        return rules_of_type(config, snapshot.type);
    const auto* plan = config.plan(snapshot.plan);
    if (plan == nullptr || plan->keep.empty())
        return std::nullopt;
    if (snapshot.type == plan->type)
        return rules_of(plan->keep);
    if (const auto days = plan->keep.find("incremental");
        snapshot.type == "incremental" && days != plan->keep.end())
        return vault::KeepRules{ .days = days->second };
    return rules_of_type(config, snapshot.type);
}

} // namespace

vault::RulesFor rules_from(const config::Config& config) {
    return [&config](const vault::Snapshot& snapshot) { return rules_for(config, snapshot); };
}

} // namespace respawn::run
