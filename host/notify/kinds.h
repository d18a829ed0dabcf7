// What each kind's file offers to the list.
#pragma once

#include "notify/notify.h"

namespace respawn::notify {

// A line of JSON a message, durable when send() returns. An id that is there already is not written
// again.
std::unique_ptr<Notifier> open_file(const config::AlertSettings& settings);
// A POST of {"title", "text", "content", "severity", "id"}: Slack reads "text", Discord "content" (cut
// to what it takes). The header Idempotency-Key has the id.
std::unique_ptr<Notifier> open_webhook(const config::AlertSettings& settings);

} // namespace respawn::notify
