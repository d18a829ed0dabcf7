// Stands in for the worker, enters its cage, and then tries what it was told, as code that broke out of
// Lua could. It says {kind="done"} when the attempt came back.
#include "base/bytes.h"
#include "base/frame.h"
#include "worker/cage.h"
#include "worker/host.h"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <map>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace respawn;

namespace {

void* new_page(int protection) {
    return mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void catch_an_exception() {
    try {
        throw std::runtime_error(std::string(100, 'x'));
    } catch (const std::exception&) {
    }
}

void garble() {
    const std::string bytes("\xff\xff\xff\xff garbage", 12);
    (void)!write(worker::host_descriptor, bytes.data(), bytes.size());
}

void half_a_message() {
    const std::string bytes("\x40\0\0\0half", 8);
    (void)!write(worker::host_descriptor, bytes.data(), bytes.size());
    _exit(0);
}

// A list of eight million nulls costs the one who decodes it sixty times its size.
void bomb() {
    ByteWriter frame;
    const std::uint32_t count = (8U << 20) - 100;
    frame.u32(count + 5).u8(8).u32(count).raw(std::string(count, '\0'));
    (void)!write(worker::host_descriptor, frame.bytes().data(), frame.bytes().size());
}

const std::map<std::string, std::function<void()>> attempts = {
    { "exception", catch_an_exception },
    { "memory", [] { std::string(16 << 20, 'x').back() = 'y'; } },
    { "open", [] { syscall(SYS_open, "/etc/passwd", O_RDONLY); } },
    { "openat", [] { (void)::open("/etc/passwd", O_RDONLY); } },
    { "socket", [] { ::socket(AF_INET, SOCK_STREAM, 0); } },
    { "fork", [] { (void)!::fork(); } },
    { "execve", [] { ::execl("/bin/sh", "sh", nullptr); } },
    { "kill", [] { ::kill(getppid(), SIGTERM); } },
    { "ptrace", [] { ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); } },
    { "read another",
      [] {
          char byte;
          (void)!::read(0, &byte, 1);
      } },
    { "write another", [] { (void)!::write(1, "x", 1); } },
    { "executable memory", [] { new_page(PROT_READ | PROT_WRITE | PROT_EXEC); } },
    { "make executable", [] { mprotect(new_page(PROT_READ | PROT_WRITE), 4096, PROT_EXEC); } },
    { "map a file", [] { mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, 0, 0); } },
    { "catch signals", [] { ::syscall(SYS_rt_sigaction, SIGSYS, nullptr, nullptr, 8); } },
    { "garble", garble },
    { "half a message", half_a_message },
    { "bomb", bomb },
    { "crash", [] { __builtin_trap(); } },
    { "early end", [] { _exit(7); } },
};

} // namespace

int main() {
    const auto start = receive_frame(worker::host_descriptor);
    if (!start.ok() || !worker::enter_cage(std::size_t{ 64 } << 20, 60).ok())
        return 1;
    attempts.at(start.value().text_at("attempt"))();
    worker::end_with(Value::Map{ { "kind", "done" } });
}
