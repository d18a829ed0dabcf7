// A notifier brings a message to people: it appends to a file, posts to a webhook.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <memory>
#include <string>

namespace respawn::notify {

struct Message {
    std::string title;
    std::string text;
    std::string severity = "info"; // or "warning", "critical"
    std::string id;                // the same message has the same id, however often it is sent
};

struct Notifier {
    virtual ~Notifier() = default;
    // Afterwards the message has arrived. An Error may mean that it has arrived all the same, unless
    // its kind is usage, denied or missing; sending it again under its id is harmless where the other
    // side looks at ids.
    virtual Result<void> send(const Message& message) = 0;
};

// The list of kinds (notifiers.cpp). Opening does not send anything. Kind::usage for an unknown kind,
// naming the known ones.
Result<std::unique_ptr<Notifier>> open_notifier(const config::AlertSettings& settings);

} // namespace respawn::notify
