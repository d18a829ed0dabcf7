#include "run/conversation.h"

#include "base/text.h"
#include "run/recorded.h"
#include "run/runbook.h"

#include <fmt/format.h>

namespace respawn::run {

namespace {

// Errors that end a run at once; a script cannot catch them.
bool ends_run(Kind kind) {
    switch (kind) {
    case Kind::not_needed:
    case Kind::failed_check:
    case Kind::needs_person:
    case Kind::moved:
    case Kind::unknown:
    case Kind::cancelled:
    case Kind::leased:
    case Kind::internal:
        return true;
    default:
        return false;
    }
}

} // namespace

Result<void> Conversation::hold() {
    for (;;) {
        TRY(cancel_.check());
        const auto message = TRY(worker_.receive());
        const auto kind = message.text_at("kind");
        if (kind == "done")
            return {};
        if (kind == "failed")
            return ended_by(message);
        if (kind == "computed")
            return Error{ .kind = Kind::unknown,
                          .why = fmt::format("{} computes with <{}>, which only a live run knows",
                                             printable(message.text_at("where")),
                                             printable(message.text_at("symbol"))) };
        TRY(worker_.send(TRY(answer(kind, message))));
    }
}

Result<Value> Conversation::answer(std::string_view kind, const Value& message) {
    if (kind == "phase") {
        TRY(gate_.enter(message.text_at("name")));
        return Value(Value::Map{});
    }
    if (kind == "log") {
        listener_.log(message.text_at("text"));
        return Value(Value::Map{});
    }
    if (kind != "call")
        return Error{ .kind = Kind::internal,
                      .why =
                          fmt::format("the runbook's process sent '{}', which is not in the protocol",
                                      printable(kind)) };
    auto value = gate_.pass(message);
    if (value.ok())
        return Value(Value::Map{ { "value", std::move(value).value() } });
    if (ends_run(value.error().kind))
        return value.error();
    last_error_ = value.error();
    return Value(Value::Map{ { "error", to_value(value.error()) } });
}

// The script's own words; or those of the call it let fail, from our record and not from its.
Error Conversation::ended_by(const Value& failed) const {
    if (last_error_ && failed.at("cause").text_at("why") == last_error_->why)
        return *last_error_;
    return script_error(failed);
}

} // namespace respawn::run
