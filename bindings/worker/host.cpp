#include "worker/host.h"

#include "base/frame.h"

#include <unistd.h>

namespace respawn::worker {

Result<Value> ask_host(const Value& message) {
    const auto sent = send_frame(host_descriptor, message);
    if (!sent.ok() && sent.error().kind == Kind::usage)
        return sent.error();
    auto answer = receive_frame(host_descriptor);
    if (!sent.ok() || !answer.ok())
        _exit(1);
    return answer;
}

void end_with(const Value& last) {
    if (send_frame(host_descriptor, last).ok())
        _exit(0);
    end_with_failure("the last message of the script is too long to be sent");
}

void end_with_failure(std::string_view why) {
    const bool sent =
        send_frame(host_descriptor, Value::Map{ { "kind", "failed" }, { "why", why } }).ok();
    _exit(sent ? 0 : 1);
}

} // namespace respawn::worker
