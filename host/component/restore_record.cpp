#include "component/restore_record.h"

#include "base/id.h"
#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

namespace {

io::Path record_path(const io::Path& state) { return state / "restore"; }

} // namespace

Result<void> save_record(const io::Path& state, const Value& record) {
    TRY(io::make_folder(state));
    return io::replace_durably(record_path(state), encode(record));
}

Result<std::optional<Value>> load_record(const io::Path& state) {
    if (state.empty() || !io::is_there(record_path(state)))
        return std::optional<Value>();
    auto record = decode(TRY(io::read_file(record_path(state), 1 << 20)));
    if (!record.ok())
        return Error{
            .kind = Kind::corrupt,
            .why = fmt::format("the record of a restore under way, {}, cannot be read: {}",
                               printable(record_path(state).string()), record.error().why),
            .fix = "look for *.aside-* and *.restore-* beside the live data; when the live data is "
                   "right, remove the record"
        };
    return std::optional(std::move(record).value());
}

Result<void> clear_record(const io::Path& state) { return io::remove_durably(record_path(state)); }

Result<void> must_have_data(const vault::ComponentRecord& record) {
    if (record.success)
        return {};
    return Error{ .kind = Kind::missing,
                  .why =
                      fmt::format("this snapshot holds nothing of {}: {}", record.name, record.error),
                  .fix = "choose an older snapshot (respawn list)" };
}

Result<io::FileLock> hold_state(const io::Path& state) {
    if (state.empty())
        return Error{ .why = "a component was given no state folder" };
    auto lock = TRY(io::FileLock::try_lock(state / "lock"));
    if (lock)
        return std::move(*lock);
    return Error{ .kind = Kind::leased,
                  .why = "another respawn is backing up or restoring this component",
                  .fix = "wait until it has ended, then run the same command again" };
}

io::Path aside_name(const io::Path& live, Moment moment) {
    auto time = to_rfc3339(moment, true);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    const auto name = fmt::format("{}.aside-{}", live.string(), time);
    io::Path free = name;
    for (int i = 2; io::is_there(free); ++i)
        free = fmt::format("{}-{}", name, i);
    return free;
}

io::Path incoming_name(const io::Path& live, Moment moment) {
    return fmt::format("{}.restore-{}", live.string(), make_ulid(moment));
}

} // namespace respawn::component
