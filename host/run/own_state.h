// respawn's own state in every backup: the journal, the configuration and the runbooks, so that a new
// host can take the place of a lost one (docs/losing-a-host.md). No key is among it.
#pragma once

#include "config/config.h"

namespace respawn::run {

// The components it consists of; none for what is not there yet.
std::vector<config::ComponentSettings> own_state(const config::Config& config);
// True for their names, which no component of a configuration may have.
bool is_own_state(std::string_view component);

} // namespace respawn::run
