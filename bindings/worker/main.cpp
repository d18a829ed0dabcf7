// respawn-worker: runs one script in a cage. Only the host starts it, with a socket on descriptor 3.
#include "base/frame.h"
#include "worker/cage.h"
#include "worker/host.h"
#include "worker/session.h"
#include "worker/tasks.h"

#include <cstdio>
#include <sys/socket.h>

using namespace respawn;

namespace {

bool started_by_host() {
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(worker::host_descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

} // namespace

int main() {
    if (!started_by_host()) {
        std::fputs("respawn-worker is started by respawn; run: respawn --help\n", stderr);
        return 2;
    }
    const auto start = receive_frame(worker::host_descriptor);
    if (!start.ok())
        return 1;
    auto session = worker::read_session(start.value());
    if (!session.ok())
        worker::end_with_failure(session.error().why);
    const auto caged =
        worker::enter_cage(session.value().memory_bytes, start.value().integer_at("processor_seconds"));
    if (!caged.ok())
        worker::end_with_failure(caged.error().why);
    worker::work(session.value());
}
