// Streams as runbooks handle them: a list of stages {stage, …}, opened only where something takes the
// bytes in.
#pragma once

#include "run/game.h"

namespace respawn::run {

// The bytes of a stream: a dump, then what wraps it. Kind::script for stages that fit no stream.
Result<std::unique_ptr<io::Source>> open_stream(Game& game, const Value::List& stages);

// A location of the configuration by name; the first for an empty one.
Result<std::shared_ptr<location::Location>> location_named(Game& game, const std::string& name);

} // namespace respawn::run
