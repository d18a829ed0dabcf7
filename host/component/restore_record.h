// The durable record of a restore under way, in the component's state folder: what a killed restore had
// in hand, so that finish_restore() can complete it or roll it back. And where replaced data is kept.
#pragma once

#include "base/time.h"
#include "base/value.h"
#include "io/file.h"
#include "vault/object.h"

#include <optional>

namespace respawn::component {

Result<void> save_record(const io::Path& state, const Value& record);
Result<std::optional<Value>> load_record(const io::Path& state);
Result<void> clear_record(const io::Path& state);

// Kind::missing for a component whose backup failed: there is nothing to bring back.
Result<void> must_have_data(const vault::ComponentRecord& record);

// One restore or backup of a component at a time. Kind::leased while another process is at it.
Result<io::FileLock> hold_state(const io::Path& state);

// A name beside `live` that is free now: "saves.db.aside-20261121T103405Z".
io::Path aside_name(const io::Path& live, Moment moment);
// "saves.db.restore-01J…": where what is restored waits until it is switched in.
io::Path incoming_name(const io::Path& live, Moment moment);

} // namespace respawn::component
