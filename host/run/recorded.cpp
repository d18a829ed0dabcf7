#include "run/recorded.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

using journal::CallRecord;

namespace {

constexpr std::string_view kind_names[] = { "usage",      "missing",      "conflict",     "denied",
                                            "corrupt",    "no_space",     "io",           "unavailable",
                                            "timeout",    "cancelled",    "unsupported",  "script",
                                            "not_needed", "failed_check", "needs_person", "leased",
                                            "moved",      "unknown",      "internal" };

Error mismatch(const Step& step, const CallRecord& recorded) {
    return Error{ .kind = Kind::needs_person,
                  .why = fmt::format("step {} was {} (at {}, arguments {}) before the interruption and "
                                     "is {} (at {}, arguments {}) now",
                                     step.position, recorded.name, recorded.where,
                                     recorded.argument_hash.substr(0, 8), step.primitive.name,
                                     step.where, step.argument_hash.substr(0, 8)),
                  .fix = "something that the runbook reads has changed under it: look at `respawn runs "
                         "show`, then abort it or go on by hand" };
}

} // namespace

// What the journal keeps of a call that is done.
Value result_of(const Done& done) {
    Value::Map result{ { "value", done.value } };
    if (!done.rows.empty())
        result.emplace("written", database::to_value({ .rows = done.rows }));
    return result;
}

Result<Done> done_from(const Value& result) {
    Done done{ .value = result.at("value"), .rows = {}, .note = "from the journal" };
    if (!result.at("written").is_null())
        done.rows = TRY(database::written_from(result.at("written"))).rows;
    return done;
}

Result<void> must_be_recorded(const Step& step, const CallRecord& recorded) {
    if (recorded.name == step.primitive.name && recorded.argument_hash == step.argument_hash &&
        recorded.phase == step.phase)
        return {};
    return mismatch(step, recorded);
}

const CallRecord* recorded_at(const std::vector<CallRecord>& recorded, std::int64_t position) {
    const auto found = std::find_if(recorded.begin(), recorded.end(),
                                    [&](const CallRecord& call) { return call.position == position; });
    return found == recorded.end() ? nullptr : &*found;
}

Value to_value(const Error& error) {
    return Value::Map{ { "kind", kind_names[static_cast<int>(error.kind)] },
                       { "what", error.what },
                       { "on", error.on },
                       { "why", error.why },
                       { "fix", error.fix } };
}

Error error_from(const Value& value) {
    const auto* found = std::find(std::begin(kind_names), std::end(kind_names), value.text_at("kind"));
    const auto kind =
        found == std::end(kind_names) ? Kind::internal : static_cast<Kind>(found - kind_names);
    return { kind, value.text_at("what"), value.text_at("on"), value.text_at("why"),
             value.text_at("fix") };
}

} // namespace respawn::run
