#include "run/game.h"
#include "run/primitive.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

Result<std::string> channel_of(const run::Call& call) {
    if (!call.text("channel").empty())
        return call.text("channel");
    const auto& alerts = call.game().config().alerts;
    if (alerts.empty())
        return Error{ .kind = Kind::usage,
                      .why = "no channel is configured to send messages to",
                      .fix = "add one under `alerts:` in respawn.yaml" };
    return alerts.front().name;
}

std::string addressed(const run::Call& call) {
    std::vector<std::string> names;
    for (const auto& name : call.list("to"))
        names.push_back(name.text() ? *name.text() : to_text(name));
    return names.empty() ? call.text("text")
                         : fmt::format("{}: {}", join(names, ", "), call.text("text"));
}

Result<Value> send(const run::Call& call) {
    auto* channel = TRY(call.game().channel(TRY(channel_of(call))));
    TRY(channel->send({ .title = call.text("title"),
                        .text = addressed(call),
                        .severity = call.text("severity"),
                        .id = call.name().key() }));
    return Value(nullptr);
}

Result<Value> nothing(const run::Call&) { return Value(nullptr); }

} // namespace

extern const run::Primitive notify = {
    .name = "notify",
    .summary = "Sends a message to people. It carries the step's id, so that a receiver can drop a second copy.",
    .effect = run::Effect::changes,
    .capability = run::Capability::notify,
    .policy = journal::Policy::let_go, // after a crash: maybe sent, and the run goes on
    .params = {
        { .name = "text", .type = run::Type::text, .doc = "the message" },
        { .name = "to", .type = run::Type::list, .doc = "whom it is for: names of players or people", .fallback = Value::List{} },
        { .name = "channel", .type = run::Type::channel, .doc = "a channel of `alerts:`; the first when left out", .fallback = "" },
        { .name = "title", .type = run::Type::text, .doc = "a headline", .fallback = "" },
        { .name = "severity", .type = run::Type::text, .doc = "info, warning or critical", .fallback = "info" },
    },
    .would = "send to {to}: {text}",
    .example = R"(respawn.notify { to = { "ada", "lin" }, text = "Your duel was ended and your stake returned." })",
    .run = send,
    .recorded = nothing,
};

} // namespace respawn::primitives
