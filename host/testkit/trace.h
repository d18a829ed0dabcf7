// What a dry run and a rehearsal have to leave alone: rows, schema, files, messages, backups and runs
// of a world.
#pragma once

#include "testkit/world.h"

namespace respawn::testkit {

// {what → digest or count}: "table players", "schema", "file saves/a.txt", "messages", "vault", "runs".
// Of a database that cannot be read, the bytes.
Result<Value> trace_of(const World& world);

// Kind::failed_check names what is not as it was, and by what.
Result<void> must_be_untouched(const World& world, const Value& before, std::string_view by);

} // namespace respawn::testkit
