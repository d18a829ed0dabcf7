// Which rules hold for a snapshot, from the configuration.
#pragma once

#include "config/config.h"
#include "vault/retention.h"

namespace respawn::run {

// A plan's own rules for the snapshots of its type; the rules of the type for others of that plan and
// for those without a plan. None: a plan that has no rules, or is not in the configuration any more.
vault::RulesFor rules_from(const config::Config& config);

} // namespace respawn::run
