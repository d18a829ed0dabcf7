// The rules of a component's configuration, asked of a backup where it lies: which rows break them.
#pragma once

#include "component/component.h"

namespace respawn::run {

struct RuleOutcome {
    std::string component;
    std::string rule;              // "players.galleons: not below 0"
    std::uint64_t broken = 0;      // rows; or 1 for the answer of SQL
    std::vector<std::string> rows; // the first few: "id=17: -5"
    std::string error;             // it could not be asked
    bool held() const { return broken == 0 && error.empty(); }
};

// One for each rule, in their order; each table is read once. An Error is a vault's, or cancelled.
Result<std::vector<RuleOutcome>> check_rules(vault::Vault& from, const vault::ComponentRecord& record,
                                             const std::vector<config::RuleSettings>& rules,
                                             Moment taken, const Cancellation& cancel);
// Of all components of the configuration that the snapshot holds.
Result<std::vector<RuleOutcome>> check_rules(vault::Vault& from, const vault::Snapshot& snapshot,
                                             const config::Config& config,
                                             const std::vector<std::string>& components,
                                             const Cancellation& cancel);

// Before the component replaces live data: Kind::failed_check, with what is broken, unless somebody has
// said why that may be.
Result<void> must_hold_rules(vault::Vault& from, const vault::Snapshot& snapshot,
                             const config::Config& config, const std::string& component,
                             std::string_view allowed_because, const Cancellation& cancel);

Value to_value(const RuleOutcome& outcome);
// "3 rows break players.galleons: not below 0 (id=17: -5, …)"; or why it could not be asked.
std::string to_text(const RuleOutcome& outcome);

} // namespace respawn::run
