#include "notify/kinds.h"

#include <fmt/format.h>

#include "base/value.h"
#include "io/http.h"

namespace respawn::notify {

namespace {

class WebhookNotifier final : public Notifier {
  public:
    explicit WebhookNotifier(config::AlertSettings settings) : settings_(std::move(settings)) {}
    Result<void> send(const Message& message) override;

  private:
    config::AlertSettings settings_;
};

// Discord refuses a message of more than 2000 characters; it is better cut than lost.
std::string cut(std::string text) {
    constexpr std::size_t most = 1900;
    if (text.size() <= most)
        return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) // inside a character
        --end;
    return text.substr(0, end) + " …";
}

std::string body_of(const Message& message) {
    const auto whole =
        message.title.empty() ? message.text : fmt::format("{}\n{}", message.title, message.text);
    return to_json(Value::Map{ { "title", message.title },
                               { "text", whole },
                               { "content", cut(whole) },
                               { "severity", message.severity },
                               { "id", message.id } });
}

// A message that arrives twice is a lesser evil than one that never arrives, so it is repeatable.
Result<void> WebhookNotifier::send(const Message& message) {
    const auto who = fmt::format("the webhook {} ({})", settings_.name, settings_.url.name());
    const auto answer = TRY(io::send(
        { .method = "POST",
          .url = settings_.url,
          .shown = who,
          .headers = { { "Content-Type", "application/json" }, { "Idempotency-Key", message.id } },
          .body = body_of(message),
          .most_response_bytes = 1024 * 1024,
          .repeatable = true }));
    if (answer.status >= 200 && answer.status < 300)
        return {};
    const auto kind = answer.status == 404 || answer.status == 410 ? Kind::missing : Kind::usage;
    return Error{ .kind = kind,
                  .why = fmt::format("{} answered {}", who, answer.status),
                  .fix = "check that its URL is current and takes a JSON message" };
}

} // namespace

std::unique_ptr<Notifier> open_webhook(const config::AlertSettings& settings) {
    return std::make_unique<WebhookNotifier>(settings);
}

} // namespace respawn::notify
